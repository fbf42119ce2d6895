/* SPDX-License-Identifier: Apache-2.0 */
/* watched: a small status document, as the daemon's core gives it. */
#ifndef TESTS_BACKUPD_WATCHED_H
#define TESTS_BACKUPD_WATCHED_H

#include <jansson.h>

#define WATCHED_NOW "2026-11-27T02:14:07.000000Z"

/* Two sources: one whose dump failed and that has a gap, one of which nothing
 * is known yet. */
static const char watched_text[] =
    "{'version':1,'now':'" WATCHED_NOW "',"
    "'daemon':{'id':'night-1','host':'bk1','tool':'backupd 0.5.0',"
    "'started':'2026-11-24T02:14:07Z','state':'draining'},"
    "'limits':{'max_jobs':4,'running':1,'queued':3},"
    "'problems':[{'kind':'store_b','severity':'error','since':null,"
    "'text':'Store b does not answer.'}],"
    "'stores':[{'name':'main','open':true,'url':'s3://b/m','requests':{'get':12,"
    "'put':34},'retries':7,'bytes_in':1024,'bytes_out':2048}],"
    "'notifiers':[{'name':'ops','delivered':5,'failed':2,'dropped':0,"
    "'waiting':1}],"
    "'daemons':[{'id':'night-1','host':'bk1','tool':'backupd 0.5.0',"
    "'alive':true,'sources':1},{'id':'night-2','host':'bk2','alive':false,"
    "'sources':0}],"
    "'sources':[{'name':'new','store':'main','host':'db2','state':'unknown',"
    "'owner':null,'ours':false,'jobs':[{'job':'dump','next':"
    "'2026-11-27T03:14:07Z','last':null,'last_success':null}]},"
    "{'name':'orders','store':'main','host':'db1','paused':false,"
    "'owner':'night-1','ours':true,'state':'failing',"
    "'problems':[{'kind':'dump_failed','severity':'error','since':"
    "'2026-11-25T02:14:07Z','text':'It failed twice.'},"
    "{'kind':'archive_lag','severity':'warning','since':null,"
    "'text':'It is behind.'}],"
    "'jobs':[{'job':'dump','schedule':'15 2 * * *','next':null,"
    "'overdue':true,'last':{'started':'2026-11-27T02:00:07Z','finished':"
    "'2026-11-27T02:10:07.5Z','ok':false,'exit':1,'seconds':600.5,"
    "'message':'no answer'},'last_success':'2026-11-24T02:14:07Z',"
    "'running':{'started':'2026-11-27T02:12:07Z','phase':'rows',"
    "'bytes':1048576,'total':4194304,'rows':1234567,'rate':2048,"
    "'left_s':90}}],"
    "'archive':{'state':'following','history':'h1','server':'db1:3306',"
    "'file':'binlog.000007','position':4567,'lag_s':12.5,'lag_bytes':99,"
    "'last_commit':'2026-11-27T02:13:54Z','stored_bytes':77,'ack':'lost'},"
    "'backups':[{'id':'20261123T021407Z-0001','at':'2026-11-23T02:14:07Z',"
    "'proven':false,'partial':true,'raw':1000,'stored':300,'rows':5,"
    "'seconds':2},{'id':'20261124T021407Z-0002','at':"
    "'2026-11-24T02:14:07Z','proven':true,'partial':false,'raw':2048,"
    "'stored':512,'rows':1200300,'seconds':3.5}],"
    "'windows':[{'from':'2026-11-12T02:14:07Z','to':'2026-11-20T02:14:07Z'},"
    "{'from':'2026-11-21T02:14:07Z','to':'2026-11-27T02:13:54Z'}],"
    "'gaps':[{'from':'2026-11-20T02:14:07Z','to':'2026-11-21T02:14:07Z'}],"
    "'drills':[{'at':'2026-11-22T02:14:07Z','ok':false,'seconds':61}]}],"
    "'history':[{'source':'orders','job':'dump','started':"
    "'2026-11-27T02:00:07Z','finished':'2026-11-27T02:10:07Z','ok':false,"
    "'exit':1,'message':'no answer'}]}";

/* The document; single quotes stand for double ones above. */
static inline json_t *
watched(void)
{
	static char text[sizeof(watched_text)];
	size_t i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = watched_text[i] == '\'' ? '"' : watched_text[i];
	return json_loads(text, 0, NULL);
}

#endif /* !TESTS_BACKUPD_WATCHED_H */
