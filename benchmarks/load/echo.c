#include "load.h"
#include "scenarios.h"
#include "stopwatch.h"

static void on_replies(struct Load *load, struct Client *client, unsigned messages)
{
    uint64_t now = now_ns();
    for (uint64_t n = client->reply.number - messages; n < client->reply.number; n++)
        load_count(load, client->queued_at[n % load->options.depth], now, 1);
    if (!load->is_stopping)
        client_queue(load, client, messages);
}

static void drain(struct Load *load)
{
    for (unsigned i = 0; i < load->client_count; i++)
        while (client_under_way(&load->clients[i]) > 0)
            load_turn(load);
}

void echo(const struct Options *options)
{
    static struct Load load;
    load_setup(&load, options, options->connections);
    load.on_replies = on_replies;
    load_open(&load, 0, options->connections, "/echo");
    load_hold(&load);
    for (unsigned i = 0; i < load.client_count; i++)
        client_queue(&load, &load.clients[i], options->depth);
    load_measure(&load);
    drain(&load);
    load_close(&load);
    load_print(&load);
}
