// What a signal's handler does beside removing files.
#ifndef IMBREX_CLEANUP_H
#define IMBREX_CLEANUP_H

/// Removes unfinished files and ends children; may be called by a signal's handler.
void cleanup_all(void);
/// Kills all process groups that were started; may be called by a signal's handler.
void cleanup_kill_groups(void);

#endif
