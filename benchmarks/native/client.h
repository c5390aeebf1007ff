/* One WebSocket connection of the load generator: handshake, greeting, frames in and out. */
#ifndef CLIENT_H
#define CLIENT_H

#include "figures.h"
#include "plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stage { WAITING, CONNECTING, UPGRADING, GREETING, JOINED, GONE };

struct client {
    int fd;
    int index;
    int room;
    enum stage stage;
    int step;
    int heard;     /* marked messages */
    int in_flight; /* own ones that have not come back */
    uint32_t said;
    uint32_t said_before; /* the load that is going on */
    int64_t began;
    bool blocked; /* the socket takes no more for now */
    char *rest;   /* the beginning of a frame whose end has not come */
    size_t rest_length;
    char *out;
    size_t out_length;
    size_t out_space;
};

/* Everything that the connections share. */
struct crowd {
    const struct plan *plan;
    int epoll;
    struct client *clients;
    int count;
    int started;
    int joined;
    int gone;
    struct histogram *upgrades; /* from connect to the answer 101 */
    struct histogram *joins;    /* from connect until joined */
    uint64_t bytes;
    uint64_t errors;        /* messages that say "error" */
    char first_error[256];
};

/* Called for every marked message that comes; `own` where its reader said it. */
void load_heard(struct crowd *crowd, struct client *client, const struct mark *mark, int64_t now);

/* Called when all that had come to a client was handled: it may say more. */
void load_caught_up(struct crowd *crowd, struct client *client, int64_t now);

void client_start(struct crowd *crowd, struct client *client);
void client_event(struct crowd *crowd, struct client *client, uint32_t events);

/* Add a message to what is to be sent, and send it. */
void client_say(struct crowd *crowd, struct client *client, const char *text, int64_t marked_at);
void client_flush(struct crowd *crowd, struct client *client);

#endif
