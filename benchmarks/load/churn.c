#include "load.h"
#include "scenarios.h"
#include "stopwatch.h"

static void on_replies(struct Load *load, struct Client *client, unsigned messages)
{
    (void)messages;
    client_close(load, client);
}

static void begin(struct Load *load, struct Client *client)
{
    client_open(load, client, "/echo", (uint32_t)(client - load->clients) % load->deck.count);
}

static void on_close(struct Load *load, struct Client *client)
{
    load_count(load, client->opened_at, now_ns(), 1);
    if (!load->is_stopping)
        begin(load, client);
}

static void on_open(struct Load *load, struct Client *client)
{
    client_queue(load, client, 1);
}

void churn(const struct Options *options)
{
    static struct Load load;
    load_setup(&load, options, options->connections);
    load.on_replies = on_replies;
    load.on_close = on_close;
    load.on_open = on_open;
    for (unsigned i = 0; i < load.client_count; i++)
        begin(&load, &load.clients[i]);
    load_measure(&load);
    while (load.opening + load.open > 0)
        load_turn(&load);
    load_print(&load);
}
