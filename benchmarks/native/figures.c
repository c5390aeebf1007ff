#define _GNU_SOURCE
#include "figures.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void histogram_add(struct histogram *histogram, int64_t nanoseconds) {
    uint64_t value = nanoseconds < 0 ? 0 : (uint64_t)nanoseconds;
    int power = value >> STEP_BITS ? 63 - STEP_BITS - __builtin_clzll(value) : 0;
    histogram->cells[((uint64_t)power << STEP_BITS) + (value >> power)]++;
    histogram->count++;
}

/* The middle of a cell, in milliseconds. */
static double cell_ms(int cell) {
    int power = cell >> STEP_BITS ? (cell >> STEP_BITS) - 1 : 0;
    uint64_t low = (uint64_t)(cell - (power << STEP_BITS)) << power;
    return (double)(low + ((1ull << power) >> 1)) / 1e6;
}

static double quantile(const struct histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)(share * (double)histogram->count), seen = 0;
    for (int cell = 0; cell < HISTOGRAM_CELLS; cell++) {
        seen += histogram->cells[cell];
        if (seen > wanted || (seen && seen == histogram->count)) return cell_ms(cell);
    }
    return 0;
}

void histogram_print(const char *name, const struct histogram *histogram) {
    printf("\"%s\":{\"count\":%llu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}", name,
           (unsigned long long)histogram->count, quantile(histogram, 0.5), quantile(histogram, 0.9),
           quantile(histogram, 0.99), quantile(histogram, 0.999), quantile(histogram, 1.0));
}

/* CPU seconds of a process, all its threads: what /proc/PID/stat says, with nanoseconds instead of ticks. */
static double process_seconds(pid_t pid) {
    clockid_t clock;
    struct timespec spent;
    if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &spent)) return 0;
    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

static void read_cores(struct moment *moment) {
    double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
    char line[512];
    FILE *file = fopen("/proc/stat", "r");
    moment->core_count = 0;
    while (file && fgets(line, sizeof line, file) && !strncmp(line, "cpu", 3)) {
        unsigned long long user, nice, system, idle, wait, irq, soft, steal;
        int core;
        if (sscanf(line, "cpu%d %llu %llu %llu %llu %llu %llu %llu %llu", &core, &user, &nice, &system, &idle, &wait,
                   &irq, &soft, &steal) != 9 || core >= MOST_CORES)
            continue;
        moment->cores[core] =
            (struct core){(double)(user + nice + system + irq + soft) * tick, (double)steal * tick};
        moment->core_count = core + 1;
    }
    if (file) fclose(file);
}

void moment_take(struct moment *moment, const struct plan *plan) {
    for (int at = 0; at < plan->watched_count; at++) moment->processes[at] = process_seconds(plan->watched[at].pid);
    moment->generator = process_seconds(0);
    read_cores(moment);
    moment->at = now_ns();
}

void moments_print(const struct moment *from, const struct moment *to, const struct plan *plan) {
    printf("\"seconds\":%.6f,\"cpu\":{\"generator\":%.6f", (double)(to->at - from->at) / 1e9,
           to->generator - from->generator);
    for (int at = 0; at < plan->watched_count; at++)
        printf(",\"%s\":%.6f", plan->watched[at].name, to->processes[at] - from->processes[at]);
    printf("},\"cores\":[");
    for (int core = 0; core < to->core_count; core++)
        printf("%s{\"busy\":%.2f,\"steal\":%.2f}", core ? "," : "", to->cores[core].busy - from->cores[core].busy,
               to->cores[core].steal - from->cores[core].steal);
    printf("]");
}
