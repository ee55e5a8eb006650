/* The load of the benchmarks: `load SCENARIO --port N ...` prints one line of JSON.
 *
 * It ends with status 1 and a reason as soon as one byte is not as it should be. */
#include "failure.h"
#include "options.h"
#include "scenarios.h"

#include <stdlib.h>
#include <string.h>

struct Scenario {
    const char *name;
    void (*run)(const struct Options *);
};

static const struct Scenario SCENARIOS[] = {
    {"echo", echo}, {"fanout", fanout}, {"churn", churn}, {"idle", idle}};

int main(int count, char **arguments)
{
    struct Options options = options_parse(count, arguments);
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof *SCENARIOS; i++) {
        if (strcmp(options.scenario, SCENARIOS[i].name) == 0) {
            SCENARIOS[i].run(&options);
            return EXIT_SUCCESS;
        }
    }
    fail("no scenario is called %s", options.scenario);
}
