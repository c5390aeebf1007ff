/* What the load generator is asked to do: its command line, and texts with places to fill in. */
#ifndef PLAN_H
#define PLAN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MOST_STEPS = 8, MOST_WATCHED = 8, MARK_BYTES = 24 };

/* One exchange of a greeting: once `await` has come (NULL: at once), `send` is sent (NULL: nothing). */
struct step {
    const char *await;
    const char *send;
};

struct watched {
    const char *name;
    pid_t pid;
};

struct plan {
    int port;
    int members;       /* connections of a room */
    int rooms;
    int first;         /* number of the first connection, and so the first user */
    int connecting;    /* connections that may be on their way at once */
    int expect;        /* marked messages that each connection must get before it counts as joined */
    uint32_t mask;     /* of frames that are sent */
    const char *path;  /* of the handshake; may have places */
    const char *headers;
    const char *say;   /* a message with a mark in it */
    struct step steps[MOST_STEPS];
    int step_count;
    struct watched watched[MOST_WATCHED];
    int watched_count;
};

/* Who and what fills the places of a text: %i connection, %r room, %n number of the message, %m mark. */
struct places {
    int connection;
    int room;
    uint32_t number;
    int64_t marked_at;
};

struct mark {
    int64_t time; /* nanoseconds of CLOCK_MONOTONIC */
    int connection;
};

/* Read the command line; says what is wrong with it and exits. */
void plan_read(struct plan *plan, int count, char **words);

/* Fill `text` in; returns its length. Exits where it does not fit in `space`. */
size_t plan_fill(char *to, size_t space, const char *text, const struct places *places);

/* Find the mark in a payload; returns 0 where there is none. */
int plan_find_mark(const char *payload, size_t length, struct mark *mark);

#endif
