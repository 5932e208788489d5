/* Warns two minutes before a session ends. Without this file forms that come too late are kept all the same. */
(function () {
  "use strict";
  var bar = document.getElementById("idle");
  if (!bar) return;
  var WARN = 120, text = bar.querySelector("span"), button = bar.querySelector("button");
  var tabs = window.BroadcastChannel ? new BroadcastChannel("portal-session") : null;
  var idleEnd, lifeEnd, shown = "", asked = Date.now();

  // Seconds left, as the server counts them; the other tabs hear of it.
  function set(left, quiet) {
    idleEnd = Date.now() + left.idle * 1000;
    lifeEnd = Date.now() + left.life * 1000;
    if (tabs && !quiet) tabs.postMessage(left);
    look();
  }
  if (tabs) tabs.onmessage = function (event) { set(event.data, true); };

  function show(words, offer) {
    if (shown === words) return;
    shown = words;
    text.textContent = words;
    button.hidden = !offer;
    bar.hidden = !words;
  }

  function look() {
    var idle = (idleEnd - Date.now()) / 1000, life = (lifeEnd - Date.now()) / 1000;
    if (Math.min(idle, life) <= 0) show(bar.dataset.over, false);
    else if (life <= WARN) show(bar.dataset.old, false);
    else if (idle <= WARN) show(bar.dataset.soon, true);
    else show("", false);
  }

  function stay() {
    var token = document.querySelector("input[name=csrf_token]");
    asked = Date.now();
    fetch(bar.dataset.stay, {method: "POST", redirect: "manual", credentials: "same-origin",
      headers: {"X-CSRFToken": token.value}}).then(function (answer) {
      if (answer.ok) return answer.json().then(set);
      if (answer.type === "opaqueredirect") set({idle: 0, life: 0}, true);
    }).catch(function () { asked = 0; });  // the network is away: the next stroke tries again
  }

  button.addEventListener("click", stay);
  // Who types is at work: the server hears of it at most every five minutes, and at once while the warning stands.
  document.addEventListener("input", function () {
    var since = Date.now() - asked;
    if (since > 300000 || (!button.hidden && !bar.hidden && since > 5000)) stay();
  });
  set({idle: Number(bar.dataset.idle), life: Number(bar.dataset.life)});
  setInterval(look, 1000);
})();
