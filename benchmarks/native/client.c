#define _GNU_SOURCE
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEXT = 1, CLOSE = 8, PING = 9, PONG = 10, READ_BYTES = 1 << 18, LARGEST_TEXT = 1 << 16 };

static char inbox[READ_BYTES + (1 << 24)]; /* a read, after the rest of a frame from the read before */

static void lose(struct crowd *crowd, struct client *client, const char *why, size_t length) {
    if (!crowd->first_error[0]) snprintf(crowd->first_error, sizeof crowd->first_error, "%.*s", (int)length, why);
    if (client->stage == JOINED) crowd->joined--;
    client->stage = GONE;
    crowd->gone++;
    close(client->fd);
}

static void interest(struct crowd *crowd, struct client *client, int change) {
    struct epoll_event event = {.events = EPOLLIN | (client->blocked ? EPOLLOUT : 0), .data.ptr = client};
    epoll_ctl(crowd->epoll, change, client->fd, &event);
}

void client_start(struct crowd *crowd, struct client *client) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)crowd->plan->port)};
    int yes = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0) {
        perror("generator: socket");
        exit(2);
    }
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    client->began = now_ns();
    client->stage = CONNECTING;
    client->blocked = true; /* writable once it is connected */
    crowd->started++;
    interest(crowd, client, EPOLL_CTL_ADD);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        lose(crowd, client, strerror(errno), 80);
}

static char *room_for(struct client *client, size_t more) {
    if (client->out_length + more > client->out_space) {
        client->out_space = 2 * (client->out_length + more);
        client->out = realloc(client->out, client->out_space);
    }
    return client->out + client->out_length;
}

/* Append a masked frame. */
static void put_frame(struct crowd *crowd, struct client *client, int opcode, const char *payload, size_t length) {
    unsigned char *to = (unsigned char *)room_for(client, length + 14), *at = to;
    const unsigned char *mask = (const unsigned char *)&crowd->plan->mask;
    *at++ = (unsigned char)(0x80 | opcode);
    if (length < 126) {
        *at++ = (unsigned char)(0x80 | length);
    } else {
        *at++ = 0x80 | 126;
        *at++ = (unsigned char)(length >> 8);
        *at++ = (unsigned char)length;
    }
    memcpy(at, mask, 4);
    at += 4;
    for (size_t byte = 0; byte < length; byte++) *at++ = (unsigned char)payload[byte] ^ mask[byte & 3];
    client->out_length += (size_t)(at - to);
}

void client_flush(struct crowd *crowd, struct client *client) {
    if (client->blocked || !client->out_length || client->stage == GONE) return;
    ssize_t sent = send(client->fd, client->out, client->out_length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        lose(crowd, client, strerror(errno), 80);
        return;
    }
    size_t done = sent < 0 ? 0 : (size_t)sent;
    client->out_length -= done;
    memmove(client->out, client->out + done, client->out_length);
    if (client->out_length) {
        client->blocked = true;
        interest(crowd, client, EPOLL_CTL_MOD);
    }
}

void client_say(struct crowd *crowd, struct client *client, const char *text, int64_t marked_at) {
    static char filled[LARGEST_TEXT];
    struct places places = {client->index, client->room, client->said, marked_at};
    put_frame(crowd, client, TEXT, filled, plan_fill(filled, sizeof filled, text, &places));
}

static void upgrade(struct crowd *crowd, struct client *client) {
    static char path[4096];
    struct places places = {client->index, client->room, 0, 0};
    path[plan_fill(path, sizeof path - 1, crowd->plan->path, &places)] = 0;
    client->out_length += (size_t)sprintf(
        room_for(client, sizeof path + 1024),
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
        path, crowd->plan->port, crowd->plan->headers);
    client->stage = UPGRADING;
}

/* Send what the greeting has to say before it waits for something; joined where nothing is left. */
static void greet(struct crowd *crowd, struct client *client, int64_t now) {
    const struct plan *plan = crowd->plan;
    while (client->step < plan->step_count && !plan->steps[client->step].await) {
        const char *send = plan->steps[client->step++].send;
        if (send) client_say(crowd, client, send, 0);
    }
    if (client->step < plan->step_count || client->heard < plan->expect) return;
    client->stage = JOINED;
    crowd->joined++;
    histogram_add(crowd->joins, now - client->began);
}

static void greeted(struct crowd *crowd, struct client *client, const char *payload, size_t length, int64_t now) {
    const struct plan *plan = crowd->plan;
    if (client->step < plan->step_count) {
        const struct step *step = &plan->steps[client->step];
        if (!memmem(payload, length, step->await, strlen(step->await))) return;
        if (step->send) client_say(crowd, client, step->send, 0);
        client->step++;
    }
    greet(crowd, client, now);
}

static bool is_error(struct crowd *crowd, const char *payload, size_t length) {
    if (!memmem(payload, length, "\"error\"", 7)) return false;
    if (!crowd->errors++) snprintf(crowd->first_error, sizeof crowd->first_error, "%.*s", (int)length, payload);
    return true;
}

static void frame(struct crowd *crowd, struct client *client, int opcode, const char *payload, size_t length,
                  int64_t now) {
    struct mark mark;
    if (opcode == PING) {
        put_frame(crowd, client, PONG, payload, length);
    } else if (opcode == CLOSE) {
        lose(crowd, client, length > 2 ? payload + 2 : "closed", length > 2 ? length - 2 : 6);
    } else if (plan_find_mark(payload, length, &mark)) {
        /* A refusal may echo the mark, and goes to its speaker alone: the others' need no look. */
        if (mark.connection == client->index && is_error(crowd, payload, length)) return;
        client->heard++;
        load_heard(crowd, client, &mark, now);
        if (client->stage == GREETING) greeted(crowd, client, payload, length, now);
    } else if (length == 1 && *payload == '2') { /* Engine.IO asks whether we are there */
        put_frame(crowd, client, TEXT, "3", 1);
    } else if (!is_error(crowd, payload, length) && client->stage == GREETING) {
        greeted(crowd, client, payload, length, now);
    }
}

/* Handle the frames that are whole; returns how many bytes they were. */
static size_t frames(struct crowd *crowd, struct client *client, const char *data, size_t length, int64_t now) {
    size_t done = 0;
    while (client->stage != GONE && length - done >= 2) {
        const unsigned char *head = (const unsigned char *)data + done;
        size_t size = head[1] & 127, head_bytes = 2;
        if (size >= 126) {
            int extended = size == 126 ? 2 : 8;
            head_bytes += (size_t)extended;
            if (length - done < head_bytes) break;
            size = 0;
            for (int at = 0; at < extended; at++) size = size << 8 | head[2 + at];
        }
        if (length - done < head_bytes + size) break;
        frame(crowd, client, head[0] & 15, data + done + head_bytes, size, now);
        done += head_bytes + size;
    }
    return done;
}

/* Handle the answer to the handshake; returns how many bytes it was, 0 where its end has not come. */
static size_t answered(struct crowd *crowd, struct client *client, const char *data, size_t length, int64_t now) {
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end) return 0;
    if (length < 12 || memcmp(data + 9, "101", 3)) {
        lose(crowd, client, data, length);
        return length;
    }
    histogram_add(crowd->upgrades, now - client->began);
    client->stage = GREETING;
    greet(crowd, client, now);
    return (size_t)(end - data) + 4;
}

static void keep_rest(struct client *client, const char *data, size_t length) {
    client->rest = length ? realloc(client->rest, length) : (free(client->rest), NULL);
    if (length) memcpy(client->rest, data, length);
    client->rest_length = length;
}

static void read_more(struct crowd *crowd, struct client *client) {
    size_t kept = client->rest_length, done = 0;
    if (kept) memcpy(inbox, client->rest, kept);
    ssize_t got = recv(client->fd, inbox + kept, READ_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        lose(crowd, client, got ? strerror(errno) : "the server hung up", 40);
        return;
    }
    int64_t now = now_ns();
    size_t length = kept + (size_t)got;
    crowd->bytes += (uint64_t)got;
    if (client->stage == UPGRADING) done = answered(crowd, client, inbox, length, now);
    if (client->stage >= GREETING) done += frames(crowd, client, inbox + done, length - done, now);
    if (client->stage == GONE) return;
    if (kept || done < length) keep_rest(client, inbox + done, length - done);
    load_caught_up(crowd, client, now);
    client_flush(crowd, client);
}

void client_event(struct crowd *crowd, struct client *client, uint32_t events) {
    if (client->stage == GONE) return;
    if (events & EPOLLOUT) {
        client->blocked = false;
        interest(crowd, client, EPOLL_CTL_MOD);
        if (client->stage == CONNECTING) upgrade(crowd, client);
        client_flush(crowd, client);
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && client->stage != GONE) read_more(crowd, client);
}
