"""Paired differences between methods, on the same test images and with the same seeds for both.

The value of seed s on image i is a mean, an effect of the seed, an effect of the image, and a rest: a two-way layout with random
effects and one value in each cell (Searle, Casella and McCulloch, *Variance Components*, 1992, chapter 4). Of S seeds and N
images, the grand mean has the variance

    σ²_seed / S + σ²_image / N + σ²_rest / (S N).

The variance of the image means, over N, estimates the last two terms. The variance of the seed means, over S, estimates the
first and the last one. So their sum counts the rest twice, and the mean square of the rest, over S N, is subtracted once. This
is (MS_seed + MS_image − MS_rest) / (S N). By chance it can be smaller than one of the two variances that it contains. Then the
larger one of these takes its place. The quantiles are Student's, with the degrees of freedom of Satterthwaite (Biometrics
Bulletin 2, 1946) for the whole sum.

In simulations this form kept the level best. A sum of components that are cut off at zero takes seeds for harmless too often:
with three seeds it called a difference without a true one in up to 12 % of all cases.
"""
