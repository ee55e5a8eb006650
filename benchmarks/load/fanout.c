#include "failure.h"
#include "load.h"
#include "scenarios.h"
#include "stopwatch.h"

/* Between the last answer to a handshake and the moment a handler has subscribed. */
#define SETTLE_SECONDS 0.2

static struct Client *publisher;
static unsigned *missing; /* deliveries of each message under way, by number % depth */

static void publish(struct Load *load, unsigned messages)
{
    for (unsigned i = 0; i < messages; i++)
        missing[(publisher->queued + i) % load->options.depth] = load->options.connections;
    client_queue(load, publisher, messages);
}

static void on_replies(struct Load *load, struct Client *client, unsigned messages)
{
    unsigned completed = 0;
    uint64_t now = now_ns();
    if (client == publisher)
        fail("the publisher gets what it publishes");
    for (uint64_t n = client->reply.number - messages; n < client->reply.number; n++) {
        load_count(load, publisher->queued_at[n % load->options.depth], now, 1);
        completed += --missing[n % load->options.depth] == 0;
    }
    publisher->reply.number += completed;
    if (completed > 0 && !load->is_stopping)
        publish(load, completed);
}

void fanout(const struct Options *options)
{
    static struct Load load;
    unsigned subscribers = options->connections;
    load_setup(&load, options, subscribers + 1);
    load.on_replies = on_replies;
    missing = zeroed(options->depth, sizeof *missing);
    load_open(&load, 0, subscribers, "/sub");
    for (unsigned i = 0; i < subscribers; i++) {
        load.clients[i].reply.number = 0; /* they all hear the same */
        load.clients[i].queued = load.clients[i].sent = 0;
    }
    load_open(&load, subscribers, 1, "/pub");
    publisher = &load.clients[subscribers];
    publisher->queued = publisher->sent = publisher->reply.number = 0;
    load_run(&load, SETTLE_SECONDS);
    load_hold(&load);
    publish(&load, options->depth);
    load_measure(&load);
    while (client_under_way(publisher) > 0)
        load_turn(&load);
    load_close(&load);
    load_print(&load);
}
