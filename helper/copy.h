/* Copies of whole directories, with owners, attributes, times and links. */
#ifndef PULLRUN_COPY_H
#define PULLRUN_COPY_H

#include "util.h"

/* What is in the directory `from`, and its own metadata, to the empty directory `to`; -1, noted. */
int copy_tree (int from, int to);

#endif
