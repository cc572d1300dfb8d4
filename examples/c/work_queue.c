/* Two workers share ten jobs; one is tried twice, one refused: work_queue [HOST:PORT] */
#include <minka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define JOBS 10

static minka_broker *broker;
static minka_bytes address;
static atomic_int done, released, rejected;

static void check(minka_status status)
{
    if (status == MINKA_OK)
        return;
    fprintf(stderr, "work_queue: " MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
    exit(1);
}

/* What becomes of a job; counts and tells it. */
static int32_t judge(const minka_record *record)
{
    int job = record->value.len == 5 ? record->value.data[4] - '0' : -1;
    if (job == 7) { /* nobody can do it */
        printf("rejected: job %d\n", job);
        rejected++;
        return MINKA_REJECT;
    }
    if (job == 3 && record->delivery_count == 1) { /* somebody else may, or we may later */
        printf("released: job %d\n", job);
        released++;
        return MINKA_RELEASE;
    }
    printf("done: job %d\n", job);
    done++;
    return MINKA_ACCEPT;
}

static void *work(void *unused)
{
    minka_consumer *worker = NULL;
    minka_config *config = minka_config_new();
    minka_bytes topic = minka_string("jobs");
    check(minka_config_set(config, minka_string("group.id"), minka_string("workers")));
    check(minka_config_set(config, minka_string("enable.auto.commit"), minka_string("false")));
    check(minka_consumer_open(broker, address, config, &worker));
    minka_config_free(config);
    check(minka_consumer_subscribe(worker, &topic, 1));
    while (done + rejected < JOBS) {
        minka_batch *batch = NULL;
        minka_record record;
        check(minka_consumer_poll(worker, 100, &batch));
        while (minka_batch_next(batch, &record))
            check(minka_consumer_acknowledge(worker, record.topic, record.partition, record.offset,
                                             judge(&record)));
        minka_batch_free(batch);
        check(minka_consumer_commit(worker));
    }
    check(minka_consumer_close(worker));
    minka_consumer_free(worker);
    return unused;
}

/* Creates the topic and the group, and sends the jobs as one batch. */
static void prepare(void)
{
    minka_admin *admin = NULL;
    check(minka_admin_open(broker, address, NULL, &admin));
    minka_status created = minka_admin_create_topic(admin, minka_string("jobs"), 1, NULL, 0);
    if (created != MINKA_TOPIC_EXISTS)
        check(created);
    minka_change changes[] = {
        { minka_string("share.auto.offset.reset"), minka_string("earliest") },
        { minka_string("minka.retry.backoff.ms"), minka_string("1") },
    };
    check(minka_admin_alter_group(admin, minka_string("workers"), changes, 2));
    minka_admin_free(admin);

    char values[JOBS][8];
    minka_message messages[JOBS];
    for (int job = 0; job < JOBS; job++) {
        minka_message message = MINKA_MESSAGE_INIT;
        snprintf(values[job], sizeof values[job], "job %d", job % JOBS);
        message.topic = minka_string("jobs");
        message.value = minka_string(values[job]);
        messages[job] = message;
    }
    minka_producer *producer = NULL;
    check(minka_producer_open(broker, address, NULL, &producer));
    check(minka_producer_send_many(producer, messages, JOBS, 10000, NULL, NULL));
    minka_producer_free(producer);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        address = minka_string(argv[1]);
    else
        check(minka_broker_open(NULL, &broker));
    prepare();

    pthread_t colleague;
    if (pthread_create(&colleague, NULL, work, NULL) != 0)
        return perror("a thread"), 1;
    work(NULL);
    pthread_join(colleague, NULL);
    printf("settled: %d done, %d released, %d rejected\n", done, released, rejected);
    minka_broker_free(broker);
    return 0;
}
