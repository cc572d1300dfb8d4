"""Two workers share the jobs of a queue group: each job goes to one of them, until it is settled.

On a broker in this process, or on the one whose address is the first argument.
"""

import contextlib
import sys
import threading
from collections import Counter
from collections.abc import Callable

import minka

JOBS = 10


def main() -> None:
    with minka.Broker() as broker:
        target = sys.argv[1] if len(sys.argv) > 1 else broker
        with minka.Admin(target) as admin:
            with contextlib.suppress(minka.TopicExists):
                admin.create_topic("jobs", partitions=1)
            # A queue group begins with what comes after it, unless it says otherwise.
            settings = {"share.auto.offset.reset": "earliest", "minka.retry.backoff.ms": 1}
            admin.alter_group("workers", settings)
        with minka.Producer(target) as producer:
            producer.send_many("jobs", [f"job {number}" for number in range(JOBS)])

        counts: Counter[str] = Counter()
        workers = [threading.Thread(target=work, args=(target, counts)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        print("settled:", ", ".join(f"{counts[end]} {end}" for end in ENDS))


ENDS = ("done", "released", "rejected")


def work(target: "minka.Broker | str", counts: Counter[str]) -> None:
    """Works until all jobs are settled."""
    settings = {"topics": "jobs", "enable_auto_commit": False, "max_poll_records": 3}
    with minka.Consumer(target, "workers", **settings) as consumer:
        while counts["done"] + counts["rejected"] < JOBS:
            for record in consumer.poll(timeout=0.1):
                end, say = settle(consumer, record)
                say(record)
                # In one piece: the other worker prints, too.
                print(f"{end}: {record.value.decode()}\n", end="")
                counts[end] += 1
            consumer.commit()


def settle(
    consumer: minka.Consumer, record: minka.Record
) -> tuple[str, Callable[[minka.Record], None]]:
    """What becomes of a job."""
    if record.value == b"job 3" and record.delivery_count == 1:
        return "released", consumer.release  # Somebody is to try again.
    if record.value == b"job 7":
        return "rejected", consumer.reject  # Nobody can do it.
    return "done", consumer.accept


if __name__ == "__main__":
    main()
