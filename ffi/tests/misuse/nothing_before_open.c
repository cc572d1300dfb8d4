/* The library does nothing to the process until something is opened, nor after all is closed. */

#include "../scenarios/harness.h"

#include <signal.h>
#include <string.h>

static void check_process(size_t descriptors)
{
    struct sigaction pipe_action;
    CHECK(sigaction(SIGPIPE, NULL, &pipe_action) == 0 && pipe_action.sa_handler == SIG_DFL);
    threads_end();
    CHECK(directory_count("/proc/self/fd") == descriptors);
}

int main(void)
{
    size_t descriptors = directory_count("/proc/self/fd");
    CHECK(strcmp(minka_version(), MINKA_VERSION_STRING) == 0);
    CHECK(minka_abi_version() == MINKA_ABI_VERSION);
    CHECK(minka_last_error().data != NULL && minka_last_error().len == 0);
    minka_config *settings = config("num.partitions", "3", NULL);
    check_process(descriptors);
    minka_config_free(settings);
    for (enum place place = IN_PROCESS; place <= SOCKET; place++) {
        struct world world = world_open(place, NULL);
        topic(&world, "t", 1);
        send_values(&world, "t", "v", NULL);
        minka_consumer *consumer = member(&world, "g", "t");
        expect(consumer, "v", NULL);
        leave(consumer);
        world_close(&world);
        check_process(descriptors);
    }
    return 0;
}
