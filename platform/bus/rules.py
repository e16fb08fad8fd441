"""What every bus asks of its callers, said once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..contracts.errors import InputError, NotFoundError, RetriableError
from .base import Subscription, TopicPartition


def not_open() -> RetriableError:
    """The error of a call before ``open`` or after ``close``."""
    return RetriableError("The bus is not open.", hint="Use it as `async with bus:`, or call `open` first.")


def consumer_closed() -> InputError:
    """The error of reading after ``close``."""
    return InputError("The consumer is closed.", hint="Subscribe again to go on reading.")


def unknown_topic(name: str) -> NotFoundError:
    """The error of publishing to or reading from a topic that nobody created."""
    return NotFoundError(
        f"Topic {name!r} does not exist on this bus.",
        hint="Call `create_topics` first; `millstream up` does it for the topics of the table.",
    )


def commit_needs_group() -> InputError:
    """The error of ``commit`` without a group."""
    return InputError(
        "Only a consumer of a group commits offsets.",
        hint="Name a `group` in the Subscription, or keep the offsets with your own state and pass them as `after`.",
    )


def check(subscription: Subscription, counts: Mapping[str, int]) -> list[TopicPartition]:
    """The partitions that ``subscription`` is about, sorted. Raises :class:`InputError` for a contradiction in it.

    ``counts`` holds the number of partitions of each topic.
    """
    if subscription.partitions is None:
        if not subscription.topics:
            raise InputError("A subscription names no topic.", hint="Give at least one of `topics` or `partitions`.")
        return sorted(
            TopicPartition(name, number) for name in set(subscription.topics) for number in range(counts[name])
        )
    if subscription.group is not None:
        raise InputError(
            "A subscription with a group shares all partitions of its topics.",
            hint="Leave out `partitions`, or leave out `group` to read exactly these partitions.",
        )
    chosen = sorted(set(subscription.partitions))
    for topic, number in chosen:
        if not 0 <= number < counts[topic]:
            raise InputError(f"Topic {topic!r} has {counts[topic]} partitions, there is no number {number}.")
    return chosen


def topics_of(subscription: Subscription) -> Sequence[str]:
    """The topics whose partition counts :func:`check` needs."""
    if subscription.partitions is None:
        return sorted(set(subscription.topics))
    return sorted({topic for topic, _ in subscription.partitions})


def frozen(subscription: Subscription) -> Subscription:
    """The subscription with ``partitions`` as a tuple, because an iterator can be walked only once."""
    if subscription.partitions is None:
        return subscription
    return replace(subscription, partitions=tuple(subscription.partitions))
