// The interface has no code. What of it is the same on all machines of a kind is held here, so that a change by
// accident does not compile.
#include "imbrex_filter.h"

_Static_assert(offsetof(imbrex_filter, version) == 0, "the version is the first in every version");
_Static_assert(sizeof(void *) != 8 ||
                   (sizeof(imbrex_parameter) == 64 && sizeof(imbrex_value) == 24 && sizeof(imbrex_reach) == 32 &&
                    sizeof(imbrex_picture) == 32 && sizeof(imbrex_tile) == 136 && sizeof(imbrex_filter) == 64),
               "a struct has changed: IMBREX_FILTER_VERSION must too");
