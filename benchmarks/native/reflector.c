/* The least that a chat server can do, in C: what it reaches is the ceiling of the load generator and the kernel.
 *
 * `reflector PORT`: every text of a connection goes to all connections with the same path, itself included. What
 * came in a turn of the loop is written to each of them at once. Nothing is checked, kept or understood.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 512, READ_BYTES = 1 << 18, MOST_ROOMS = 1 << 14, PATH_BYTES = 64 };

struct member {
    int fd;
    int room; /* -1: the handshake has not come */
    struct member *next;
    char *rest, *waiting;
    size_t rest_length, waiting_length;
};

struct room {
    char path[PATH_BYTES];
    struct member *members;
    char *turn; /* frames of this turn of the loop */
    size_t length, space;
    int is_due;
};

static struct room rooms[MOST_ROOMS];
static int room_count, due[MOST_ROOMS], due_count, loop;
static char inbox[2 * READ_BYTES];

static void *grown(void *memory, size_t size) {
    void *more = realloc(memory, size);
    if (!more) abort();
    return more;
}

static int find_room(const char *path) {
    for (int at = 0; at < room_count; at++)
        if (!strcmp(rooms[at].path, path)) return at;
    if (room_count == MOST_ROOMS) abort();
    strcpy(rooms[room_count].path, path);
    return room_count++;
}

static void watch(struct member *member, int change) {
    struct epoll_event event = {.events = EPOLLIN | (member->waiting_length ? EPOLLOUT : 0), .data.ptr = member};
    epoll_ctl(loop, change, member->fd, &event);
}

static void deliver(struct member *member, const char *data, size_t length) {
    ssize_t sent = member->waiting_length ? 0 : send(member->fd, data, length, MSG_NOSIGNAL);
    size_t done = sent < 0 ? 0 : (size_t)sent;
    if (done == length) return;
    member->waiting = grown(member->waiting, member->waiting_length + length - done);
    memcpy(member->waiting + member->waiting_length, data + done, length - done);
    member->waiting_length += length - done;
    watch(member, EPOLL_CTL_MOD);
}

static void send_waiting(struct member *member) {
    ssize_t sent = send(member->fd, member->waiting, member->waiting_length, MSG_NOSIGNAL);
    if (sent <= 0) return;
    member->waiting_length -= (size_t)sent;
    memmove(member->waiting, member->waiting + sent, member->waiting_length);
    if (!member->waiting_length) watch(member, EPOLL_CTL_MOD);
}

static size_t shake_hands(struct member *member, const char *data, size_t length) {
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
                                 "\x81\x06joined";
    char path[PATH_BYTES];
    const char *end = memmem(data, length, "\r\n\r\n", 4);
    if (!end || sscanf(data, "GET %63s", path) != 1) return 0;
    member->room = find_room(path);
    member->next = rooms[member->room].members;
    rooms[member->room].members = member;
    deliver(member, answer, sizeof answer - 1);
    return (size_t)(end - data) + 4;
}

/* Take one masked frame; returns its bytes, 0 where its end has not come. */
static size_t take_frame(struct member *member, const unsigned char *data, size_t length) {
    struct room *room = &rooms[member->room];
    if (length < 6) return 0;
    size_t size = data[1] & 127, head = 2;
    if (size == 126) {
        if (length < 8) return 0;
        size = (size_t)data[2] << 8 | data[3];
        head = 4;
    }
    if (length < head + 4 + size) return 0;
    if (room->length + size + 4 > room->space) room->turn = grown(room->turn, room->space = 2 * (room->length + size + 4));
    unsigned char *to = (unsigned char *)room->turn + room->length;
    memcpy(to, data, head);
    to[1] &= 127;
    for (size_t at = 0; at < size; at++) to[head + at] = data[head + 4 + at] ^ data[head + (at & 3)];
    room->length += head + size;
    if (!room->is_due) due[due_count++] = member->room;
    room->is_due = 1;
    return head + 4 + size;
}

/* Returns 0 where the peer has left: its member is out of the room then, and gone. */
static int take(struct member *member) {
    size_t kept = member->rest_length, done = 0, step;
    if (kept) memcpy(inbox, member->rest, kept);
    ssize_t got = recv(member->fd, inbox + kept, READ_BYTES, 0);
    if (got < 0 && errno == EAGAIN) return 1;
    if (got <= 0) return 0;
    size_t length = kept + (size_t)got;
    if (member->room < 0) done = shake_hands(member, inbox, length);
    while (member->room >= 0 && (step = take_frame(member, (unsigned char *)inbox + done, length - done))) done += step;
    member->rest_length = length - done;
    if (member->rest_length) {
        member->rest = grown(member->rest, member->rest_length);
        memcpy(member->rest, inbox + done, member->rest_length);
    }
    return 1;
}

static void leave(struct member *member) {
    if (member->room >= 0) {
        struct member **link = &rooms[member->room].members;
        while (*link != member) link = &(*link)->next;
        *link = member->next;
    }
    close(member->fd);
    free(member->rest);
    free(member->waiting);
    free(member);
}

static void let_in(int listener) {
    int yes = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct member *member = grown(NULL, sizeof *member);
        *member = (struct member){.fd = fd, .room = -1};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        watch(member, EPOLL_CTL_ADD);
    }
}

static void deliver_turn(void) {
    while (due_count) {
        struct room *room = &rooms[due[--due_count]];
        for (struct member *member = room->members; member; member = member->next)
            deliver(member, room->turn, room->length);
        room->length = 0;
        room->is_due = 0;
    }
}

int main(int count, char **words) {
    static struct epoll_event events[EVENTS];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(count > 1 ? atoi(words[1]) : 0))};
    struct rlimit limit;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("reflector");
        return 1;
    }
    loop = epoll_create1(0);
    struct epoll_event coming = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, &coming);
    puts("listening");
    fflush(stdout);
    for (;;) {
        int happened = epoll_wait(loop, events, EVENTS, -1);
        for (int at = 0; at < happened; at++) {
            struct member *member = events[at].data.ptr;
            if (!member) {
                let_in(listener);
                continue;
            }
            if (events[at].events & EPOLLOUT) send_waiting(member);
            if (events[at].events & ~(unsigned)EPOLLOUT && !take(member)) leave(member);
        }
        deliver_turn();
    }
}
