/* The code of the kit, which books.zig calls. */
#define AGENTHOST_IMPLEMENTATION
#include "agenthost.h"
