"""The archives of the published data sets, and for each of them the addresses that it can be downloaded from.

An archive has its original address first, then copies of a known checksum, then copies of which nothing is known:

- The original addresses are DomainBed's (arXiv:2007.01434, domainbed/scripts/download.py). The MD5 sums come from public loaders
  of the same file identifiers, which enforce them: the classes DomainBedDataset of VLCS, PACS and OfficeHome. Four independent
  loaders agree on Office-Home's. DomainBed's issue 165 reports that the downloads from Google Drive fail (July 2025).
- The copies at Hugging Face are those of PTeterwak/DomainBed_EasyHard. Their sizes and SHA-256 are those that the repository
  lists, at its commit 027ab24. Nobody here has seen the paths in them.
- The later copies at Google Drive are named in a comment on DomainBed's issue 165 (November 2025). Their sizes and checksums are
  unknown.

The layout of a copy is how its paths are expected to be. The numbers of images of each domain and class in a copy are compared
with the published ones before it is used. So a copy that has other paths is noticed, and the next address is tried.

The checksum of an archive's first download is recorded, and enforced from then on, see :mod:`align.acquisition.integrity`.
PACS and Office-Home also exist as parquet files. They are left out, because their reader (pyarrow) is not installed.
"""

from typing import NamedTuple

from align.acquisition.archive_file import Layout

GIGABYTE = 10**9


class Mirror(NamedTuple):
    """An address of an archive, and the file that is expected there.

    Attributes:
        address: a web address; one of Google Drive works too.
        size: bytes of the file, None if unknown.
        digest: ``md5:…`` or ``sha256:…`` of the file, None if unknown.
        layout: how the paths in the file name domain and class. None: as the data set's publisher has them. Any other file is
            checked by its numbers of images.
    """

    address: str
    size: int | None = None
    digest: str | None = None
    layout: Layout | None = None

    @property
    def sha256(self) -> str | None:
        """Return the known SHA-256 of the file. Two addresses with the same one have the same file."""
        return self.digest.removeprefix("sha256:") if self.digest and self.digest.startswith("sha256:") else None

    @property
    def is_known(self) -> bool:
        """Return whether a size or checksum of the file is known."""
        return self.size is not None or self.digest is not None


class Archive(NamedTuple):
    """An archive of a data set.

    Attributes:
        file: name of the downloaded file, whichever mirror it comes from.
        unpacked_at_most: the most bytes that the archive may unpack to; a larger one is refused.
        mirrors: where it can be downloaded from, in the order in which they are tried.
    """

    file: str
    unpacked_at_most: int
    mirrors: tuple[Mirror, ...]


def _drive(identifier: str) -> str:
    return f"https://drive.google.com/uc?id={identifier}"


_HUGGING_FACE = "https://huggingface.co/datasets/PTeterwak/DomainBed_EasyHard/resolve/main/all"
_TRAPS = "https://storage.googleapis.com/public-datasets-lila/caltechcameratraps"
_DOMAIN_NET = "http://csr.bu.edu/ftp/visda/2019/multi-source"
_DOMAINBED = Layout()  # <domain>/<class>/<image>, as DomainBed's own script makes it

VLCS = {
    "images": Archive(
        "VLCS.tar.gz",
        8 * GIGABYTE,
        (
            Mirror(_drive("1skwblH1_okBwxWxmRsp9_qi15hyPpxg8"), digest="md5:8870171eba660927d9668f4e515928e4"),
            Mirror(
                f"{_HUGGING_FACE}/VLCS.tar.gz",
                3_838_010_386,
                "sha256:90523da81d334ee642081fc1ad9588823adc4fc3adea86d8fb2365cce0d0c444",
                _DOMAINBED,
            ),
            Mirror(_drive("1yDuLrJdPSvMbTmpq-7XmwG0HnJengD-T"), layout=_DOMAINBED),
        ),
    ),
}
TERRA_INCOGNITA = {
    "images": Archive(
        "eccv_18_all_images_sm.tar.gz",
        10 * GIGABYTE,
        (
            Mirror(f"{_TRAPS}/eccv_18_all_images_sm.tar.gz", 6_492_615_601),
            Mirror(  # only the images of the four locations, in DomainBed's folders
                f"{_HUGGING_FACE}/terra_incognit.tar.gz",  # so in the repository
                2_734_179_378,
                "sha256:f47b3258a9ee4eac419baf8128b28cf0caa16ddf80602a8d2ee4343e28931cd5",
                Layout(renamed=tuple((f"location_{number}", f"L{number}") for number in (38, 43, 46, 100))),
            ),
        ),
    ),
    "annotations": Archive("eccv_18_annotations.tar.gz", GIGABYTE, (Mirror(f"{_TRAPS}/eccv_18_annotations.tar.gz", 2_997_071),)),
}
PACS = {
    "images": Archive(
        "PACS.zip",
        2 * GIGABYTE,
        (
            Mirror(_drive("1JFr8f805nMUelQWWmfnJR3y4_SYoN5Pd"), digest="md5:fd5db817f7cdafeef3bfd525aaf9b42e"),
            Mirror(
                f"{_HUGGING_FACE}/PACS.tar.gz",
                179_024_815,
                "sha256:ca3cb9842d9e749b1fff104cb1472bd15cc39851f89b3828dc9c7ae5613f3e30",
                _DOMAINBED,
            ),
            Mirror(_drive("1WWi9tuUNFmUiw7Eirq_JT_hxYZv3J-Vv"), layout=_DOMAINBED),
        ),
    ),
}
OFFICE_HOME = {
    "images": Archive(
        "office_home.zip",
        4 * GIGABYTE,
        (
            Mirror(_drive("1uY0pj7oFsjMxRwaD3Sxy0jgel0fsYXLC"), digest="md5:b1c14819770c4448fd5b6d931031c91c"),
            Mirror(
                f"{_HUGGING_FACE}/office_home.tar.gz",
                1_125_741_176,
                "sha256:6e5be9e679ae11fca3357038a443033292ffb961abb03e3ea6d1a22ba94d8974",
                _DOMAINBED,
            ),
            Mirror(_drive("1USXqK4nCvOAR5Ty4iwKcuCOrRJoRuDyU"), layout=_DOMAINBED),
        ),
    ),
}
DOMAIN_NET = {
    "clipart": Archive("clipart.zip", 4 * GIGABYTE, (Mirror(f"{_DOMAIN_NET}/groundtruth/clipart.zip"),)),
    "infograph": Archive("infograph.zip", 10 * GIGABYTE, (Mirror(f"{_DOMAIN_NET}/infograph.zip"),)),
    "painting": Archive("painting.zip", 10 * GIGABYTE, (Mirror(f"{_DOMAIN_NET}/groundtruth/painting.zip"),)),
    "quickdraw": Archive("quickdraw.zip", 4 * GIGABYTE, (Mirror(f"{_DOMAIN_NET}/quickdraw.zip"),)),
    "real": Archive("real.zip", 15 * GIGABYTE, (Mirror(f"{_DOMAIN_NET}/real.zip"),)),
    "sketch": Archive("sketch.zip", 8 * GIGABYTE, (Mirror(f"{_DOMAIN_NET}/sketch.zip"),)),
}
DOMAIN_NET_WHOLE = {
    "images": Archive(
        "domain_net.tar.gz",
        50 * GIGABYTE,
        (
            Mirror(
                f"{_HUGGING_FACE}/domain_net.tar.gz",
                18_265_039_921,
                "sha256:78aaf1da798df695c0a5f975a12151529dc07ab385d7c995633de5b0d07fbca8",
            ),
        ),
    ),
}
