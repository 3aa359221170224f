"""How values travel through Temporal: pydantic's JSON, and what is large beside it (DESIGN 4.5)."""

from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import DataConverter, ExternalStorage, StorageDriver

from sagents_infra.payloads.disk import DiskStorageDriver

__all__ = ["THRESHOLD", "DiskStorageDriver", "data_converter"]

THRESHOLD = 32 * 1024
"""Payloads from this size on are kept in external storage; history holds a reference of some 300 bytes."""


def data_converter(storage: StorageDriver | None = None, *readable: StorageDriver) -> DataConverter:
    """The converter of every client and worker. New payloads go to `storage`; those in `readable` can still be read,

    so that a deployment may move from one storage to another while agents live. Drivers are told apart by name.
    """
    if storage is None:
        return DataConverter(payload_converter_class=PydanticPayloadConverter)
    return DataConverter(
        payload_converter_class=PydanticPayloadConverter,
        external_storage=ExternalStorage(
            drivers=(storage, *readable),
            driver_selector=lambda _context, _payload: storage,
            payload_size_threshold=THRESHOLD,
        ),
    )
