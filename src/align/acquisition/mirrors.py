"""The mirrors that are tried for an archive."""

from align.acquisition.archives import Archive, Mirror
from align.acquisition.settings import ArchiveOrigin


def chosen_mirrors(archive: Archive, origin: ArchiveOrigin) -> tuple[Mirror, ...]:
    """Return the mirrors that a download tries, in order: the configured addresses if there are any, else the published ones.

    What is published of a configured address stays known, unless the configuration states a checksum.
    """
    if origin.archive or not origin.address:
        return () if origin.archive else archive.mirrors
    published = {mirror.address: mirror for mirror in archive.mirrors}
    mirrors = [published.get(address, Mirror(address)) for address in origin.address]
    if origin.sha256 is None:
        return tuple(mirrors)
    return tuple(mirror._replace(size=None, digest=f"sha256:{origin.sha256}") for mirror in mirrors)
