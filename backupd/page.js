/* The page fetches itself anew and replaces its main part; without this
 * script it is reloaded whole. */
(function () {
	"use strict";
	var every = (+document.body.getAttribute("data-every") || 10) * 1000;
	var live = document.getElementById("live");
	var find = document.getElementById("find");
	var last = Date.now();

	function filter() {
		var word = find.value.trim().toLowerCase();
		var rows = document.querySelectorAll(".sources tbody tr");
		var i;

		for (i = 0; i < rows.length; i++)
			rows[i].hidden = word !== "" && rows[i].firstChild
			    .textContent.toLowerCase().indexOf(word) < 0;
	}

	function show(text) {
		var next = new DOMParser().parseFromString(text, "text/html");
		var main = next.querySelector("main");
		var focus = document.activeElement;
		var link = focus && focus.getAttribute("href");
		var i, links;

		if (main === null)
			throw new Error("no page");
		document.querySelector("main").replaceWith(main);
		document.title = next.title;
		document.querySelector("link[rel=icon]").href =
		    next.querySelector("link[rel=icon]").href;
		live.textContent = next.getElementById("live").textContent;
		live.className = "";
		filter();
		/* Whoever walks by keyboard stays where they are. */
		links = link ? main.querySelectorAll("a[href]") : [];
		for (i = 0; i < links.length; i++)
			if (links[i].getAttribute("href") === link &&
			    !document.contains(focus)) {
				links[i].focus({ preventScroll: true });
				break;
			}
	}

	function lost() {
		live.textContent = "no answer for " +
		    Math.round((Date.now() - last) / 1000) + " s";
		live.className = "bad";
	}

	function again() {
		var stop = new AbortController();
		var limit = setTimeout(function () { stop.abort(); }, 20000);

		if (document.hidden) {
			clearTimeout(limit);
			setTimeout(again, every);
			return;
		}
		fetch(location.href, { cache: "no-store", signal: stop.signal })
		    .then(function (answer) {
			if (!answer.ok)
				throw new Error(answer.status);
			return answer.text();
		    })
		    .then(function (text) {
			show(text);
			last = Date.now();
		    })
		    .catch(lost)
		    .then(function () {
			clearTimeout(limit);
			setTimeout(again, every);
		    });
	}

	if (document.querySelector(".sources")) {
		find.hidden = false;
		find.addEventListener("input", filter);
	}
	setTimeout(again, every);
}());
