/* Comforts only: every page works without this file. */
(function () {
  "use strict";

  // Tick all rows of the page.
  var all = document.querySelector("[data-ticks-all]");
  if (all) all.addEventListener("change", function () {
    document.querySelectorAll("input[name=rowid]").forEach(function (box) { box.checked = all.checked; });
  });

  // The summary of what is wrong takes the focus.
  var problems = document.getElementById("problems");
  if (problems) problems.focus();

  // Fields that are asked only with some answers hide until they are.
  function answer(form, name) {
    var fields = form.querySelectorAll('[name="fact-' + name + '"]');
    for (var i = 0; i < fields.length; i++) {
      if (fields[i].type !== "radio" || fields[i].checked) return fields[i].value;
    }
    return "";
  }
  document.querySelectorAll("form[data-asks]").forEach(function (form) {
    function look() {
      form.querySelectorAll("[data-when]").forEach(function (field) {
        var asked = JSON.parse(field.dataset.when).every(function (pair) {
          var given = answer(form, pair[0]);
          return given === "" && !form.querySelector('[name="fact-' + pair[0] + '"]') ? true : pair[1].indexOf(given) >= 0;
        });
        field.hidden = !asked;
        field.querySelectorAll("input, select").forEach(function (input) { input.disabled = !asked; });
      });
    }
    form.addEventListener("change", look);
    look();
  });

  // One press, one act; another button of the same form is another act.
  document.addEventListener("submit", function (event) {
    if (event.target.method !== "post") return;
    var act = event.submitter && event.submitter.getAttribute("formaction") || "1";
    if (event.target.dataset.sent === act) { event.preventDefault(); return; }
    event.target.dataset.sent = act;
    setTimeout(function () { delete event.target.dataset.sent; }, 5000);
  });
})();
