/* SPDX-License-Identifier: Apache-2.0 */
/* server_error: what a server's error number means to the caller. */
#include "mysql/server_error.h"

enum err_code
server_error_code(unsigned number)
{
	switch (number) {
	case 1044: case 1045: case 1142: case 1143: case 1227: case 1370:
	case 1419: case 1418: case 1698: case 3118: case 3159: case 4151:
		return ERR_DENIED;
	case 1205: case 1213: case 1040: case 1053: case 1158: case 1159:
	case 1160: case 1161: case 2002: case 2003: case 2006: case 2013:
	case 2055: case 4031:
		return ERR_AGAIN;
	default:
		return ERR_IO;
	}
}
