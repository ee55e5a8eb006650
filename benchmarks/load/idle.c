#include "failure.h"
#include "load.h"
#include "scenarios.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned answered;

static void on_replies(struct Load *load, struct Client *client, unsigned messages)
{
    (void)load;
    (void)client;
    answered += messages;
}

static void on_open(struct Load *load, struct Client *client)
{
    client_queue(load, client, 1);
}

void idle(const struct Options *options)
{
    static struct Load load;
    char line[LOAD_LINE_BYTES];
    unsigned count = 0;
    load_setup(&load, options, options->connections);
    load.on_replies = on_replies;
    load.on_open = on_open;
    while (load_await_line(&load, line)) {
        unsigned wanted = (unsigned)atoi(line);
        if (wanted < count || wanted > options->connections) {
            fail("%u connections asked for, between %u and %u", wanted, count,
                 options->connections);
        }
        load_open(&load, count, wanted - count, "/echo");
        count = wanted;
        while (answered < count)
            load_turn(&load);
        printf("%u\n", count);
        fflush(stdout);
    }
    load_close(&load);
}
