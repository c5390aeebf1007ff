/* Messages said by some of the connections: as many in flight as a window allows, or at a fixed rate. */
#ifndef LOAD_H
#define LOAD_H

#include "client.h"

/* `window` messages in flight for each sender, or with a `rate`, messages a second of all senders together. */
struct load {
    double warm;    /* seconds before the measurement */
    double seconds; /* of the measurement */
    int window;
    int senders; /* of each room */
    int most;    /* messages of each sender, after which it is over; 0: as many as the time allows */
    double rate;
};

/* Begin; refused while another is going on. */
void load_begin(struct crowd *crowd, const struct load *load);

/* Do what is due; returns the nanoseconds until something will be, or -1. Prints the result at the end. */
int64_t load_turn(struct crowd *crowd, int64_t now);

#endif
