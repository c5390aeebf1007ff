/* What the load generator measures: counts, latencies, and the time that processes and cores spent. */
#ifndef FIGURES_H
#define FIGURES_H

#include "plan.h"

#include <stdint.h>

/* Latencies in nanoseconds, 32 steps for each power of two: at most 3 % off. */
enum { STEP_BITS = 5, HISTOGRAM_CELLS = (64 - STEP_BITS) << STEP_BITS, MOST_CORES = 64 };

struct histogram {
    uint64_t count;
    uint64_t cells[HISTOGRAM_CELLS];
};

/* Seconds of CPU that something has used so far. `steal` is what another guest of the host took. */
struct core {
    double busy;
    double steal;
};

struct moment {
    int64_t at; /* nanoseconds */
    double processes[MOST_WATCHED];
    double generator;
    struct core cores[MOST_CORES];
    int core_count;
};

int64_t now_ns(void);
void histogram_add(struct histogram *histogram, int64_t nanoseconds);
void histogram_print(const char *name, const struct histogram *histogram);
void moment_take(struct moment *moment, const struct plan *plan);

/* Print what was spent between two moments: `"seconds":..., "cpu":{...}, "cores":[...]`. */
void moments_print(const struct moment *from, const struct moment *to, const struct plan *plan);

#endif
