/* A run of the load: what all its connections share. */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include "client.h"
#include "deck.h"
#include "histogram.h"
#include "options.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOAD_LINE_BYTES = 32 };

struct Load {
    struct Options options;
    struct Deck deck;
    struct Client *clients;
    unsigned client_count;
    unsigned opening, open; /* connections, of those that are not closed */
    int epoll;
    int wait_ms; /* 0: poll, for a load that sleeps is late */
    bool is_measuring;
    bool is_stopping; /* nothing new is sent */
    uint64_t progress_at;

    /* What the scenario does when a connection is open, when messages came back, and when a
     * connection has closed cleanly. */
    void (*on_open)(struct Load *, struct Client *);
    void (*on_replies)(struct Load *, struct Client *, unsigned messages);
    void (*on_close)(struct Load *, struct Client *);

    /* Counted while measuring. */
    uint64_t messages;
    uint64_t received_bytes;
    uint64_t reads;
    struct Histogram latencies;
    uint64_t elapsed_ns;
    uint64_t processor_ns; /* of the server */
    uint64_t waited_ns;    /* of server or load, whoever waited more for its core */
};

/* Prepare a run with room for some connections. */
void load_setup(struct Load *load, const struct Options *options, unsigned clients);

/* Wait for events and handle them; fail when nothing has happened for too long. */
void load_turn(struct Load *load);

/* Turn, answering pings, until standard input has a line; return whether it has. */
bool load_await_line(struct Load *load, char line[LOAD_LINE_BYTES]);

/* With --hold: say that all connections are open, and wait for a line. */
void load_hold(struct Load *load);

/* Open connections until `count` are open, some at a time. */
void load_open(struct Load *load, unsigned from, unsigned count, const char *path);

/* Turn for some seconds. */
void load_run(struct Load *load, double seconds);

/* Turn for the seconds of warm-up, then for those to measure. */
void load_measure(struct Load *load);

/* Close all connections and wait for the servers' good-byes. */
void load_close(struct Load *load);

/* Count messages that came back, if it is time to; `queued_at` in nanoseconds. */
void load_count(struct Load *load, uint64_t queued_at, uint64_t now, unsigned messages);

/* Print what was measured as one line of JSON. */
void load_print(const struct Load *load);

#endif
