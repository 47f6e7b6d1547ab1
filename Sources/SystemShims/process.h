// How processes are started, for what starts them.
#ifndef IMBREX_PROCESS_H
#define IMBREX_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/// A pipe that children do not inherit.
bool process_make_pipe(int ends[2]);

/// Starts a program in a process group of its own.
///
/// @param number  Is given that of the process.
/// @param theirs  What its descriptors 0 to 3 are; -1 in the end: nothing.
/// @return 0, or an `errno`.
int process_spawn(int32_t *number, const int theirs[4], char *const *arguments, char *const *environment,
                  const sigset_t *mask);

/// What has to be done before the first child.
void process_prepare(void);

/// Whether another process starts them: see `system_broker_start`.
bool broker_is_there(void);
/// As `process_spawn`, by that process.
int broker_spawn(int32_t *number, const int theirs[4], char *const *arguments, char *const *environment,
                 const sigset_t *mask);

/// Starts the guardian: a process that kills the groups it knows when this one has ended, however that came.
void guardian_start(void);
/// The guardian knows a group from now on, or no more.
void guardian_tell(bool is_there, int32_t group);

#endif
