/* Checks, and the small things that C lacks. */

#include "harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void check(bool condition, const char *file, int line, const char *text)
{
    if (condition)
        return;
    fprintf(stderr, "%s:%d: this is not so: %s\n", file, line, text);
    fprintf(stderr, "the last error: " MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
    _exit(1);
}

void is(minka_status expected, minka_status found, const char *file, int line, const char *call)
{
    if (found == expected)
        return;
    fprintf(stderr, "%s:%d: %s\nanswered %s instead of %s", file, line, call,
            minka_status_name(found), minka_status_name(expected));
    fprintf(stderr, "; the last error: " MINKA_FORMAT "\n", MINKA_ARGS(minka_last_error()));
    _exit(1);
}

void says(const char *words, const char *file, int line)
{
    if (!has_words(minka_last_error(), words))
        check(false, file, line, words);
}

bool is_text(minka_bytes bytes, const char *expected)
{
    return equal(bytes, STR(expected));
}

bool has_words(minka_bytes bytes, const char *words)
{
    size_t len = strlen(words);
    for (size_t at = 0; at + len <= bytes.len; at++)
        if (memcmp(bytes.data + at, words, len) == 0)
            return true;
    return false;
}

bool equal(minka_bytes a, minka_bytes b)
{
    if (a.data == NULL || b.data == NULL)
        return a.data == b.data;
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

int64_t now(void)
{
    struct timespec time;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

struct directory directory_new(void)
{
    struct directory directory = { "/tmp/minka-scenario-XXXXXX" };
    CHECK(mkdtemp(directory.path) != NULL);
    return directory;
}

static void for_each(const char *path, void (*call)(const char *path, void *), void *argument)
{
    DIR *open = opendir(path);
    CHECK(open != NULL);
    for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char inside[1024];
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        call(inside, argument);
    }
    closedir(open);
}

static void remove_one(const char *path, void *argument)
{
    (void)argument;
    if (unlink(path) != 0) {
        for_each(path, remove_one, NULL);
        CHECK(rmdir(path) == 0);
    }
}

void directory_remove(const struct directory *directory)
{
    remove_one(directory->path, NULL);
}

static void count_one(const char *path, void *count)
{
    (void)path;
    ++*(size_t *)count;
}

size_t directory_count(const char *path)
{
    size_t count = 0;
    for_each(path, count_one, &count);
    return count;
}

void threads_end(void)
{
    int64_t deadline = now() + PATIENCE;
    while (directory_count("/proc/self/task") > 1)
        CHECK(now() < deadline);
}

pthread_t spawn(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, argument) == 0);
    return thread;
}

void join(pthread_t thread)
{
    CHECK(pthread_join(thread, NULL) == 0);
}
