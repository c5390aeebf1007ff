#define _GNU_SOURCE
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A mark is `~`, 16 hexadecimal digits of time, 6 of the connection, `~`: nothing else in a text has a tilde. */
enum { TIME_DIGITS = 16, CONNECTION_DIGITS = 6 };

static void fail(const char *what, const char *about) {
    fprintf(stderr, "generator: %s: %s\n", what, about);
    exit(2);
}

static void add_step(struct plan *plan, char *value) {
    if (plan->step_count == MOST_STEPS) fail("too many steps", value);
    struct step *step = &plan->steps[plan->step_count++];
    char *tab = strchr(value, '\t');
    if (!tab) fail("a step is AWAIT, a tab, SEND", value);
    *tab = 0;
    step->await = *value ? value : NULL;
    step->send = tab[1] ? tab + 1 : NULL;
}

static void add_watched(struct plan *plan, char *value) {
    if (plan->watched_count == MOST_WATCHED) fail("too many processes to watch", value);
    char *colon = strchr(value, ':');
    if (!colon) fail("a watched process is NAME:PID", value);
    *colon = 0;
    plan->watched[plan->watched_count++] = (struct watched){value, atoi(colon + 1)};
}

void plan_read(struct plan *plan, int count, char **words) {
    *plan = (struct plan){.members = 1, .rooms = 1, .connecting = 64, .mask = 0x5a3c69a5, .path = "/", .headers = ""};
    for (int at = 1; at < count; at++) {
        char *value = strchr(words[at], '=');
        if (!value) fail("an option is NAME=VALUE", words[at]);
        *value++ = 0;
        const char *name = words[at];
        if (!strcmp(name, "port")) plan->port = atoi(value);
        else if (!strcmp(name, "members")) plan->members = atoi(value);
        else if (!strcmp(name, "rooms")) plan->rooms = atoi(value);
        else if (!strcmp(name, "first")) plan->first = atoi(value);
        else if (!strcmp(name, "connecting")) plan->connecting = atoi(value);
        else if (!strcmp(name, "expect")) plan->expect = atoi(value);
        else if (!strcmp(name, "mask")) plan->mask = (uint32_t)strtoul(value, NULL, 16);
        else if (!strcmp(name, "path")) plan->path = value;
        else if (!strcmp(name, "headers")) plan->headers = value;
        else if (!strcmp(name, "say")) plan->say = value;
        else if (!strcmp(name, "step")) add_step(plan, value);
        else if (!strcmp(name, "watch")) add_watched(plan, value);
        else fail("no such option", name);
    }
    if (!plan->port || plan->members < 1 || plan->rooms < 1) fail("needed", "port, members, rooms");
}

static char *put_hex(char *to, uint64_t value, int digits) {
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) *to++ = "0123456789abcdef"[value >> shift & 15];
    return to;
}

size_t plan_fill(char *to, size_t space, const char *text, const struct places *places) {
    char *at = to, *end = to + space - MARK_BYTES;
    for (; *text; text++) {
        if (at >= end) fail("a text does not fit", text);
        if (*text != '%') {
            *at++ = *text;
            continue;
        }
        switch (*++text) {
        case 'i': at += sprintf(at, "%d", places->connection); break;
        case 'r': at += sprintf(at, "%d", places->room); break;
        case 'n': at += sprintf(at, "%u", places->number); break;
        case 'm':
            *at++ = '~';
            at = put_hex(at, (uint64_t)places->marked_at, TIME_DIGITS);
            at = put_hex(at, (uint64_t)places->connection, CONNECTION_DIGITS);
            *at++ = '~';
            break;
        case '%': *at++ = '%'; break;
        default: fail("a place is %i, %r, %n, %m or %%", text);
        }
    }
    return (size_t)(at - to);
}

static uint64_t get_hex(const char *from, int digits) {
    uint64_t value = 0;
    for (int at = 0; at < digits; at++) value = value << 4 | (uint64_t)((from[at] & 15) + (from[at] >> 6) * 9);
    return value;
}

int plan_find_mark(const char *payload, size_t length, struct mark *mark) {
    const char *found = memchr(payload, '~', length);
    if (!found || (size_t)(payload + length - found) < MARK_BYTES || found[MARK_BYTES - 1] != '~') return 0;
    mark->time = (int64_t)get_hex(found + 1, TIME_DIGITS);
    mark->connection = (int)get_hex(found + 1 + TIME_DIGITS, CONNECTION_DIGITS);
    return 1;
}
