"""The archives of the published data sets: their addresses, sizes and checksums.

The addresses are DomainBed's (arXiv:2007.01434, domainbed/scripts/download.py). The MD5 sums come from public loaders of the same
file identifiers, which enforce them: the classes DomainBedDataset of VLCS, PACS and OfficeHome. Four independent loaders agree
on Office-Home's. Some archives have no published checksum. The checksum of their first download is recorded, and enforced from
then on, see :mod:`align.acquisition.integrity`.
"""

from typing import NamedTuple

GIGABYTE = 10**9


class Archive(NamedTuple):
    """A ``.tar.gz`` or ``.zip`` file.

    Attributes:
        file: name of the downloaded file.
        address: where the file is downloaded from; an address of Google Drive works too.
        unpacked_at_most: the most bytes that the archive may unpack to; a larger one is refused.
        size: bytes of the file itself, None if unknown.
        digest: ``md5:…`` or ``sha256:…`` of the file, None if unknown.
    """

    file: str
    address: str
    unpacked_at_most: int
    size: int | None = None
    digest: str | None = None


def _drive(identifier: str) -> str:
    return f"https://drive.google.com/uc?id={identifier}"


_TRAPS = "https://storage.googleapis.com/public-datasets-lila/caltechcameratraps"
_DOMAIN_NET = "http://csr.bu.edu/ftp/visda/2019/multi-source"

VLCS = {
    "images": Archive(
        "VLCS.tar.gz", _drive("1skwblH1_okBwxWxmRsp9_qi15hyPpxg8"), 8 * GIGABYTE, digest="md5:8870171eba660927d9668f4e515928e4"
    ),
}
TERRA_INCOGNITA = {
    "images": Archive(
        "eccv_18_all_images_sm.tar.gz", f"{_TRAPS}/eccv_18_all_images_sm.tar.gz", 10 * GIGABYTE, size=6_492_615_601
    ),
    "annotations": Archive("eccv_18_annotations.tar.gz", f"{_TRAPS}/eccv_18_annotations.tar.gz", GIGABYTE, size=2_997_071),
}
PACS = {
    "images": Archive(
        "PACS.zip", _drive("1JFr8f805nMUelQWWmfnJR3y4_SYoN5Pd"), 2 * GIGABYTE, digest="md5:fd5db817f7cdafeef3bfd525aaf9b42e"
    ),
}
OFFICE_HOME = {
    "images": Archive(
        "office_home.zip",
        _drive("1uY0pj7oFsjMxRwaD3Sxy0jgel0fsYXLC"),
        4 * GIGABYTE,
        digest="md5:b1c14819770c4448fd5b6d931031c91c",
    ),
}
DOMAIN_NET = {
    "clipart": Archive("clipart.zip", f"{_DOMAIN_NET}/groundtruth/clipart.zip", 4 * GIGABYTE),
    "infograph": Archive("infograph.zip", f"{_DOMAIN_NET}/infograph.zip", 10 * GIGABYTE),
    "painting": Archive("painting.zip", f"{_DOMAIN_NET}/groundtruth/painting.zip", 10 * GIGABYTE),
    "quickdraw": Archive("quickdraw.zip", f"{_DOMAIN_NET}/quickdraw.zip", 4 * GIGABYTE),
    "real": Archive("real.zip", f"{_DOMAIN_NET}/real.zip", 15 * GIGABYTE),
    "sketch": Archive("sketch.zip", f"{_DOMAIN_NET}/sketch.zip", 8 * GIGABYTE),
}
