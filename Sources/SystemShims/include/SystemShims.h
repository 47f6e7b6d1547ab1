// What Swift cannot ask of the system by itself.
#ifndef IMBREX_SYSTEM_SHIMS_H
#define IMBREX_SYSTEM_SHIMS_H

#include <stdint.h>

/// Cores in this process's affinity mask, or 0 where the system has none.
int32_t system_affinity_cores(void);

/// The program's name and arguments, ended by null; or null where the system does not give them.
char *const *system_arguments(void);

/// Registers a path, of a file or a directory, to be removed if a signal ends the process; returns its slot, or -1 if
/// there is no room.
int32_t system_cleanup_add(const char *path);
/// Forgets a slot (-1 is allowed).
void system_cleanup_remove(int32_t slot);
/// Installs handlers that remove the registered paths for the signals that end a process from outside, such as SIGINT,
/// SIGTERM, SIGQUIT and SIGXCPU; ignores SIGPIPE and SIGXFSZ.
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

/// Sees to it that so many files may be open, as far as the system allows.
///
/// @return How many may be.
int64_t system_allow_open_files(int64_t wanted);

/// A child process with pipes: the leader of a process group that is killed when this process ends by itself or by a
/// signal that it can handle.
typedef struct {
  /// Its number, and that of the group.
  int32_t group;
  /// Where its standard input is written; its standard output and standard error are read. Not blocking.
  int32_t input, output, errors;
} system_child;

/// Starts a program.
///
/// @param arguments  Its path and arguments, ended by null.
/// @param environment  As `NAME=VALUE`, ended by null.
/// @param shared  A descriptor above 2 that it gets as its descriptor 3; -1: none.
/// @return 0, or an `errno`; nothing is open then.
int32_t system_start(system_child *child, char *const *arguments, char *const *environment, int32_t shared);
/// Whether the leader has ended by itself; it is not waited for, and has to be reaped.
int32_t system_has_ended(int32_t group);
/// Kills all of a group. It has to be reaped.
void system_kill_group(int32_t group);
/// Waits for the leader's end, kills what is left of the group and forgets it.
///
/// @return The exit status, or the negative number of the signal that ended the leader.
int32_t system_reap(int32_t group);

/// Opens memory that can be shared with a child; -1 where the system has none without a name.
int32_t system_shared_memory(void);
/// Ends this process, with its group, when nobody can write to a pipe any more. Crashes are left to the system, without
/// a core.
void system_follow(int32_t descriptor);
/// This thread is inside a plug-in, or no more. A program that is left from there removes what is unfinished and fails.
void system_enter_plugin(int32_t is_inside);

/// What a sandbox leaves of a file, or of a directory and all below it.
enum {
  system_may_read = 1,
  /// Write to files that are there.
  system_may_write = 2,
  /// Make files and directories, rename and remove them.
  system_may_make = 4,
  /// Remove empty directories.
  system_may_remove = 8,
};

/// Begins a sandbox (Landlock): nothing of the file system is left but what it is given.
///
/// @param keeps_signals  Whether processes outside can be ended.
/// @return A descriptor; -1 where the system has no such thing.
int32_t system_sandbox_begin(int32_t keeps_signals);
/// Gives it a path, links followed; -1 if there is nothing at the path.
int32_t system_sandbox_allow(int32_t sandbox, const char *path, int32_t rights);
/// Enters it: this thread, and all that it starts. The descriptor is closed.
///
/// @return 0, or -1.
int32_t system_sandbox_enter(int32_t sandbox);
/// From now on all threads are refused to start programs, open sockets, look into other processes and change the
/// machine.
///
/// @return 0, or -1 where the system has no such filter.
int32_t system_sandbox_filter(void);

/// Names a command that can be started when this process cannot start any more: by its path and arguments, ended by
/// null.
///
/// @return 0, or -1.
int32_t system_broker_allow(char *const *arguments);
/// Starts the process that starts such commands from now on; there must be no other thread. Of their environment only
/// IMBREX_… and …_NUM_THREADS can be said anew.
///
/// @return 0, or -1.
int32_t system_broker_start(void);

/// The path of this program, to be freed; null where it cannot be told.
char *system_program(void);

#endif
