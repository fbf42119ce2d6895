// SPDX-License-Identifier: Apache-2.0
// manifest: are these Kubernetes objects what their schema says?
//
//	node manifest.js MODELS < OBJECTS.json
//
// MODELS is the folder of the npm package kubernetes-models, which carries the
// API's schemas as compiled functions; OBJECTS a JSON array.  One line a
// finding on standard output; status 1 when there is one.
"use strict";
const fs = require("fs");
const path = require("path");

// The schemas let unknown members pass.  A member that no function has looked
// at is none that it knows: a mistyped name.
function watched(value, at, seen) {
	if (value === null || typeof value !== "object")
		return value;
	const inner = {};
	return new Proxy(value, {
		get(object, name) {
			if (typeof name === "symbol" || !Object.hasOwn(object, name))
				return object[name];
			const here = `${at}/${name}`;
			seen.add(here);
			inner[name] ??= watched(object[name], here, seen);
			return inner[name];
		},
	});
}

function members(value, at, all) {
	if (value === null || typeof value !== "object")
		return;
	for (const name of Object.keys(value)) {
		all.push(`${at}/${name}`);
		members(value[name], `${at}/${name}`, all);
	}
}

function schema(models, object) {
	const [group, version] = object.apiVersion.includes("/") ?
		object.apiVersion.split("/") : ["core", object.apiVersion];
	const name = `IoK8sApi${group.split(".")[0]}${version}${object.kind}.js`;
	const folder = path.join(models, "_schemas");
	const file = fs.readdirSync(folder).find(
		(f) => f.toLowerCase() === name.toLowerCase());
	return file && require(path.join(folder, file)).validate;
}

let bad = 0;
for (const object of JSON.parse(fs.readFileSync(0, "utf8"))) {
	const what = `${object.kind} ${object.metadata && object.metadata.name}`;
	const validate = schema(process.argv[2], object);
	const seen = new Set(), all = [], errors = [];
	if (!validate) {
		errors.push("no schema of this kind and version");
	} else {
		if (!validate(watched(object, "", seen)))
			for (const e of validate.errors)
				errors.push(`${e.instancePath} ${e.keyword} ${JSON.stringify(e.params)}`);
		members(object, "", all);
		for (const m of all)
			if (!seen.has(m))
				errors.push(`${m} is not known`);
	}
	for (const e of errors)
		console.log(`${what}: ${e}`);
	bad += errors.length;
}
process.exit(bad ? 1 : 0);
