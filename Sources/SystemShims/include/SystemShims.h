// What Swift cannot ask of the system by itself.
#ifndef IMBREX_SYSTEM_SHIMS_H
#define IMBREX_SYSTEM_SHIMS_H

#include <stdint.h>

/// Cores in this process's affinity mask, or 0 where the system has none.
int32_t system_affinity_cores(void);

/// The program's name and arguments, ended by null; or null where the system does not give them.
char *const *system_arguments(void);

/// Registers a path to be removed if a signal ends the process; returns its slot, or -1 if there is no room.
int32_t system_cleanup_add(const char *path);
/// Forgets a slot (-1 is allowed).
void system_cleanup_remove(int32_t slot);
/// Installs handlers for SIGINT, SIGTERM and SIGHUP that remove the registered paths; ignores SIGPIPE and
/// SIGXFSZ.
void system_cleanup_install(void);

/// Whether a bar stands on the terminal of standard error, with the cursor at its beginning; a signal's handler takes
/// it away.
void system_set_bar(int32_t is_shown);

/// The compiler that this was built with, such as "clang 21.0.0".
const char *system_compiler(void);

/// Whether a signal's handler has begun to remove files: one that is made now is to be removed by its maker.
int32_t system_is_ending(void);

/// Opens /dev/null in place of standard descriptors that are closed, so that no picture is opened under their numbers
/// and has messages written into it. Reading standard input, or writing standard output, then fails as if it were
/// closed.
void system_reserve_standard_descriptors(void);

#endif
