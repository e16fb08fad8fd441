"""Declarative base and the column types that the tables share.

Money is ``NUMERIC`` without a scale (exact, never rounded by the database). Market and event times that code
compares are ``BIGINT`` nanoseconds; times for people and partitions are ``TIMESTAMPTZ``.
"""

from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import BigInteger, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

Money = Annotated[Decimal, mapped_column(Numeric)]
Nanoseconds = Annotated[int, mapped_column(BigInteger)]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]
Key = Annotated[str, mapped_column(Text, primary_key=True)]


class Base(DeclarativeBase):
    """All tables are registered on its ``metadata``; constraints have predictable names."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text}  # noqa: RUF012 - SQLAlchemy reads this class attribute
