/* A crowd of WebSocket clients for measuring chat servers: one thread, epoll.
 *
 * It connects everybody, prints `{"event":"joined",...}`, and then obeys lines on its standard input:
 *   load warm=1 seconds=5 window=8 senders=1     say and measure, then print `{"event":"loaded",...}`
 *   load warm=1 seconds=5 rate=400 senders=1     the same at a fixed rate, messages a second in all
 *   load warm=0 seconds=60 window=8 most=100     until each sender has said 100
 *   quit                                         hang up
 * The command line is in plan.c. Where not everybody can be connected, it prints `{"event":"failed",...}`.
 */
#define _GNU_SOURCE
#include "client.h"
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 512, COMMAND_BYTES = 512 };

static const int64_t JOIN_NS = 120000000000; /* for all to join, with what they missed */

static void raise_descriptors(int connections) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < (rlim_t)connections + 64) {
        fprintf(stderr, "generator: %d connections need more descriptors than the %llu allowed\n", connections,
                (unsigned long long)limit.rlim_cur);
        exit(2);
    }
}

static void crowd_gather(struct crowd *crowd, const struct plan *plan) {
    crowd->plan = plan;
    crowd->count = plan->members * plan->rooms;
    raise_descriptors(crowd->count);
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    crowd->clients = calloc((size_t)crowd->count, sizeof *crowd->clients);
    crowd->upgrades = calloc(1, sizeof *crowd->upgrades);
    crowd->joins = calloc(1, sizeof *crowd->joins);
    for (int at = 0; at < crowd->count; at++) {
        crowd->clients[at].index = plan->first + at;
        crowd->clients[at].room = at / plan->members;
    }
    struct epoll_event commands = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &commands);
}

static void print_string(const char *name, const char *text) {
    printf("\"%s\":\"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') putchar('\\');
        if ((unsigned char)*text >= ' ') putchar(*text);
    }
    printf("\"");
}

/* Once, when everybody has joined or it is known that they can not: returns whether that was now. */
static bool tell_joined(struct crowd *crowd, const struct moment *began) {
    bool all = crowd->joined == crowd->count;
    if (!all && !crowd->gone && now_ns() - began->at < JOIN_NS) return false;
    struct moment now;
    uint64_t heard = 0;
    moment_take(&now, crowd->plan);
    for (int at = 0; at < crowd->count; at++) heard += (uint64_t)crowd->clients[at].heard;
    printf("{\"event\":\"%s\",\"joined\":%d,\"gone\":%d,", all ? "joined" : "failed", crowd->joined, crowd->gone);
    printf("\"heard\":%llu,", (unsigned long long)heard);
    print_string("first_error", crowd->first_error);
    printf(",");
    histogram_print("upgrade", crowd->upgrades);
    printf(",");
    histogram_print("join", crowd->joins);
    printf(",");
    moments_print(began, &now, crowd->plan);
    printf("}\n");
    fflush(stdout);
    if (!all) exit(1);
    return true;
}

static void obey(struct crowd *crowd) {
    char line[COMMAND_BYTES];
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1);
    if (length <= 0 || !strncmp(line, "quit", 4)) {
        if (crowd->errors) fprintf(stderr, "generator: %llu errors: %s\n", (unsigned long long)crowd->errors, crowd->first_error);
        exit(0);
    }
    line[length] = 0;
    struct load load = {.warm = 1, .seconds = 5, .senders = 1};
    char *word = strtok(line, " \n");
    if (!word || strcmp(word, "load")) {
        fprintf(stderr, "generator: no such command: %s\n", word ? word : "");
        exit(2);
    }
    while ((word = strtok(NULL, " \n"))) {
        if (sscanf(word, "warm=%lf", &load.warm) || sscanf(word, "seconds=%lf", &load.seconds) ||
            sscanf(word, "window=%d", &load.window) || sscanf(word, "senders=%d", &load.senders) ||
            sscanf(word, "most=%d", &load.most) || sscanf(word, "rate=%lf", &load.rate))
            continue;
        fprintf(stderr, "generator: not part of a load: %s\n", word);
        exit(2);
    }
    if (crowd->joined < crowd->count) {
        fputs("generator: not everybody has joined\n", stderr);
        exit(2);
    }
    load_begin(crowd, &load);
}

static void connect_more(struct crowd *crowd) {
    while (crowd->started < crowd->count && crowd->started - crowd->joined - crowd->gone < crowd->plan->connecting)
        client_start(crowd, &crowd->clients[crowd->started]);
}

static int wait_for(int epoll, struct epoll_event *events, int64_t nanoseconds) {
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int count = epoll_pwait2(epoll, events, EVENTS, nanoseconds < 0 ? NULL : &time, NULL);
    if (count < 0 && errno != EINTR) {
        perror("generator: epoll");
        exit(2);
    }
    return count < 0 ? 0 : count;
}

int main(int count, char **words) {
    static struct plan plan;
    static struct crowd crowd;
    static struct epoll_event events[EVENTS];
    struct moment began;
    bool told = false;
    plan_read(&plan, count, words);
    crowd_gather(&crowd, &plan);
    moment_take(&began, &plan);
    for (;;) {
        connect_more(&crowd);
        int happened = wait_for(crowd.epoll, events, told ? load_turn(&crowd, now_ns()) : JOIN_NS);
        for (int at = 0; at < happened; at++) {
            if (events[at].data.ptr) client_event(&crowd, events[at].data.ptr, events[at].events);
            else obey(&crowd);
        }
        told = told || tell_joined(&crowd, &began);
    }
}
