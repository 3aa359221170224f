"""Where links' rows are: with the agents."""

from sagents_infra.links.book import LinkBook
from sagents_infra.links.local import LocalLinkBook
from sagents_infra.settings import Settings


def link_book(settings: Settings) -> LinkBook:
    """The book that belongs to the store. Raises `InvalidInput` where the store is no place."""
    if settings.store.startswith("dynamodb://"):
        from sagents_infra.links.dynamodb import DynamoDBLinkBook  # boto3 only for who asks for it
        from sagents_infra.stores.dynamodb_address import dynamodb_place

        return DynamoDBLinkBook(*dynamodb_place(settings.store, "SAGENTS_STORE"))
    return LocalLinkBook(settings.links_path)
