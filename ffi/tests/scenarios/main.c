/*
 * Runs scenarios. `--list` says which there are, a line for each with its target; a name and a
 * target run that one; without arguments all are run, each in a process of its own, as TAP.
 */

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum targets { IN_PROCESS_ONLY = 1, SOCKET_ONLY = 2, BOTH = 3 };

#define SCENARIO(NAME, TARGETS) void scenario_##NAME(enum place place);
#include "scenarios.def"
#undef SCENARIO

static const struct scenario {
    const char *name;
    enum targets targets;
    void (*run)(enum place place);
} SCENARIOS[] = {
#define SCENARIO(NAME, TARGETS) { #NAME, TARGETS, scenario_##NAME },
#include "scenarios.def"
#undef SCENARIO
};

#define COUNT (sizeof SCENARIOS / sizeof SCENARIOS[0])

static const char *const TARGET_NAMES[] = { "in-process", "socket" };

static bool runs_on(const struct scenario *scenario, enum place place)
{
    return (scenario->targets & (place == IN_PROCESS ? IN_PROCESS_ONLY : SOCKET_ONLY)) != 0;
}

static int run_one(const char *name, const char *target)
{
    for (size_t at = 0; at < COUNT; at++)
        for (enum place place = IN_PROCESS; place <= SOCKET; place++)
            if (strcmp(SCENARIOS[at].name, name) == 0 && runs_on(&SCENARIOS[at], place)
                && strcmp(TARGET_NAMES[place], target) == 0) {
                SCENARIOS[at].run(place);
                threads_end();
                return 0;
            }
    fprintf(stderr, "there is no scenario %s on the target %s: see --list\n", name, target);
    return 2;
}

static bool run_apart(const char *program, const char *name, const char *target)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execl(program, program, name, target, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

int main(int count, char **arguments)
{
    if (count == 3)
        return run_one(arguments[1], arguments[2]);
    bool only_list = count == 2 && strcmp(arguments[1], "--list") == 0;
    int number = 0, failed = 0;
    for (size_t at = 0; at < COUNT; at++)
        for (enum place place = IN_PROCESS; place <= SOCKET; place++) {
            if (!runs_on(&SCENARIOS[at], place))
                continue;
            const char *name = SCENARIOS[at].name, *target = TARGET_NAMES[place];
            if (only_list) {
                printf("%s %s\n", name, target);
                continue;
            }
            bool passed = run_apart(arguments[0], name, target);
            printf("%sok %d - %s %s\n", passed ? "" : "not ", ++number, name, target);
            failed += !passed;
        }
    if (!only_list)
        printf("1..%d\n", number);
    return failed != 0;
}
