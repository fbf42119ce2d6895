/* SPDX-License-Identifier: Apache-2.0 */
/* server_error: what a server's error number means to the caller. */
#ifndef MYSQL_SERVER_ERROR_H
#define MYSQL_SERVER_ERROR_H

#include "base/err.h"

/* 1044 1045 1142 1143 1227 and kin ERR_DENIED; 1205 1213 and lost
 * connections (the client library's numbers too) ERR_AGAIN; else ERR_IO. */
enum err_code server_error_code(unsigned number);

#endif /* !MYSQL_SERVER_ERROR_H */
