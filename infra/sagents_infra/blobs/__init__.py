"""Where agents' files are kept: a local disk or S3 (which is imported by whoever wants it)."""

from sagents_infra.blobs.disk import DiskBlobs

__all__ = ["DiskBlobs"]
