#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum phase { QUIET, WARMING, MEASURING, DRAINING };

static const int64_t SECOND = 1000000000;
static const int64_t DRAIN_NS = 5000000000; /* without a message for so long, what is missing will not come */
static const int64_t LATE_NS = 1000000000;  /* a rate that the server can not keep is given up so far behind */

/* Counts since the load began. */
struct counts {
    uint64_t said;
    uint64_t own;
    uint64_t delivered;
    uint64_t bytes;
};

static struct {
    struct load asked;
    enum phase phase;
    uint64_t planned; /* messages, where each sender has so many to say */
    int64_t began;
    int64_t due;   /* of the next message, where there is a rate */
    int64_t heard; /* when the last message came */
    int turn;      /* whose the next message is */
    uint64_t skipped;
    struct counts counts, from, to;
    struct moment start, end;
    struct histogram latencies; /* of every delivery, within the measurement */
    struct histogram returns;   /* of the senders' own */
} run;

static int place_in_room(const struct crowd *crowd, const struct client *client) {
    return (int)(client - crowd->clients) % crowd->plan->members;
}

static bool speaks(const struct crowd *crowd, const struct client *client) {
    return client->stage == JOINED && place_in_room(crowd, client) < run.asked.senders;
}

static void say(struct crowd *crowd, struct client *client, int64_t marked_at) {
    client->in_flight++;
    client->said++;
    run.counts.said++;
    client_say(crowd, client, crowd->plan->say, marked_at);
}

static bool saying(void) { return run.phase == WARMING || run.phase == MEASURING; }

static void fill_window(struct crowd *crowd, struct client *client, int64_t now) {
    int most = run.asked.most;
    while (client->in_flight < run.asked.window && (!most || client->said - client->said_before < (uint32_t)most))
        say(crowd, client, now);
}

void load_begin(struct crowd *crowd, const struct load *load) {
    memset(&run, 0, sizeof run);
    run.asked = *load;
    run.phase = WARMING;
    run.began = run.due = run.heard = now_ns();
    run.counts.bytes = crowd->bytes;
    for (int at = 0; at < crowd->count; at++) {
        crowd->clients[at].in_flight = 0;
        crowd->clients[at].said_before = crowd->clients[at].said;
        if (run.asked.rate > 0 || !speaks(crowd, &crowd->clients[at])) continue;
        run.planned += (uint64_t)run.asked.most;
        fill_window(crowd, &crowd->clients[at], run.began);
        client_flush(crowd, &crowd->clients[at]);
    }
}

void load_heard(struct crowd *crowd, struct client *client, const struct mark *mark, int64_t now) {
    (void)crowd;
    if (mark->time < run.began) return; /* of an earlier load, or of the greeting */
    run.counts.delivered++;
    run.heard = now;
    if (run.phase == MEASURING) histogram_add(&run.latencies, now - mark->time);
    if (mark->connection != client->index) return;
    client->in_flight--;
    run.counts.own++;
    if (run.phase == MEASURING) histogram_add(&run.returns, now - mark->time);
}

void load_caught_up(struct crowd *crowd, struct client *client, int64_t now) {
    if (saying() && run.asked.rate <= 0 && speaks(crowd, client)) fill_window(crowd, client, now);
}

static struct counts counted(const struct crowd *crowd) {
    struct counts counts = run.counts;
    counts.bytes = crowd->bytes - run.counts.bytes;
    return counts;
}

static void print_result(const struct crowd *crowd) {
    uint64_t wanted = run.counts.said * (uint64_t)crowd->plan->members;
    printf("{\"event\":\"loaded\",\"said\":%llu,\"own\":%llu,\"delivered\":%llu,\"bytes\":%llu,",
           (unsigned long long)(run.to.said - run.from.said), (unsigned long long)(run.to.own - run.from.own),
           (unsigned long long)(run.to.delivered - run.from.delivered),
           (unsigned long long)(run.to.bytes - run.from.bytes));
    printf("\"missing\":%lld,\"skipped\":%llu,\"errors\":%llu,\"gone\":%d,",
           (long long)wanted - (long long)run.counts.delivered, (unsigned long long)run.skipped,
           (unsigned long long)crowd->errors, crowd->gone);
    histogram_print("latency", &run.latencies);
    printf(",");
    histogram_print("own_latency", &run.returns);
    printf(",");
    moments_print(&run.start, &run.end, crowd->plan);
    printf("}\n");
    fflush(stdout);
}

/* The next sender in turn; NULL where nobody speaks. */
static struct client *next_sender(struct crowd *crowd) {
    for (int tried = 0; tried < crowd->count; tried++) {
        struct client *client = &crowd->clients[run.turn++ % crowd->count];
        if (speaks(crowd, client)) return client;
    }
    return NULL;
}

/* Say what is due. A message is marked with when it was due, so that one that is sent late counts as late. */
static int64_t keep_rate(struct crowd *crowd, int64_t now) {
    int64_t step = (int64_t)((double)SECOND / run.asked.rate);
    for (; run.due <= now; run.due += step) {
        struct client *client = now - run.due > LATE_NS ? NULL : next_sender(crowd);
        if (!client) {
            run.skipped++;
            continue;
        }
        say(crowd, client, run.due);
        client_flush(crowd, client);
    }
    return run.due - now;
}

static int64_t sooner(int64_t one, int64_t other) { return one < other ? one : other; }

int64_t load_turn(struct crowd *crowd, int64_t now) {
    int64_t measure_from = run.began + (int64_t)(run.asked.warm * (double)SECOND);
    int64_t measure_to = measure_from + (int64_t)(run.asked.seconds * (double)SECOND);
    if (run.phase == QUIET) return -1;
    if (run.phase == WARMING && now >= measure_from) {
        moment_take(&run.start, crowd->plan);
        run.from = counted(crowd);
        run.phase = MEASURING;
    }
    bool all_said = run.planned && run.counts.own == run.planned;
    if (run.phase == MEASURING && (now >= measure_to || all_said)) {
        moment_take(&run.end, crowd->plan);
        run.to = counted(crowd);
        run.phase = DRAINING;
    }
    if (run.phase == DRAINING) {
        uint64_t wanted = run.counts.said * (uint64_t)crowd->plan->members;
        if (run.counts.delivered < wanted && now - run.heard < DRAIN_NS) return DRAIN_NS;
        run.phase = QUIET;
        print_result(crowd);
        return -1;
    }
    int64_t wait = (run.phase == WARMING ? measure_from : measure_to) - now;
    return run.asked.rate > 0 ? sooner(wait, keep_rate(crowd, now)) : wait;
}
