"""Language models: names become adapters on Pydantic AI's direct model requests."""

from sagents_infra.models.pydantic_ai import PydanticAIModel, resolve

__all__ = ["PydanticAIModel", "resolve"]
