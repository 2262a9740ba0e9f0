/* The code of the kit, which bookshelf.zig calls. */
#define AGENTHOST_IMPLEMENTATION
#include "agenthost.h"
