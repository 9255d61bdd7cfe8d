"""Operations on pixels that all parts share: normalising, grey levels, Gaussian blur, resizing, scaling and soft masks."""
