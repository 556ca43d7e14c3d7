/* Small comforts. Every page works without this file; nothing here is needed to
   read, write, send or print. */
(() => {
  "use strict";

  const all = (selector, act) => document.querySelectorAll(selector).forEach(act);

  // 1. A tracking link carries the secret behind "#s=", which browsers never send to a server.
  //    Put it into its field, then take it out of the address bar and the history.
  const fromHash = new URLSearchParams(location.hash.slice(1));
  all("input[data-from-hash]", (input) => {
    const value = fromHash.get(input.dataset.fromHash);
    if (!value) return;
    if (!input.value) input.value = value;
    history.replaceState(null, "", location.pathname + location.search);
  });

  // 2. How many characters are left. Spoken only when it matters, and not at every key.
  all("textarea[data-counter]", (box) => {
    const limit = box.maxLength > 0 ? box.maxLength : Number(box.dataset.counter);
    if (!limit) return;
    const shown = document.createElement("p");
    const spoken = document.createElement("p");
    shown.className = "counter";
    shown.setAttribute("aria-hidden", "true");
    spoken.className = "visually-hidden";
    spoken.setAttribute("role", "status");
    box.after(shown, spoken);
    let timer;
    const update = () => {
      const left = limit - box.value.length;
      const text = left >= 0 ? `還可以輸入 ${left} 字` : `超過 ${-left} 字`;
      shown.textContent = text;
      shown.classList.toggle("is-over", left < 0);
      clearTimeout(timer);
      timer = setTimeout(() => { spoken.textContent = left < limit / 10 ? text : ""; }, 1000);
    };
    box.addEventListener("input", update);
    update();
  });

  // 3. Print buttons appear only where a script can print.
  all("[data-print]", (button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });

  // 4 and 5. Ask before unsaved words are lost, and send a form once only.
  const isTyped = (field) => field.matches("textarea, input[type=text], input:not([type])");
  const typed = (form) => [...form.elements].filter(isTyped).map((field) => field.value).join("\n");
  all("form", (form) => {
    let sent = false;
    if (form.hasAttribute("data-guard")) {
      const before = typed(form);
      const refused = document.getElementById("error-summary") !== null;
      addEventListener("beforeunload", (event) => {
        if (!sent && (refused ? typed(form).trim() : typed(form) !== before)) event.preventDefault();
      });
    }
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented || form.getAttribute("method") !== "post" || form.hasAttribute("data-download")) return;
      if (sent) event.preventDefault();
      sent = true;
    });
    // Back to this page from the browser's cache: it may be sent again.
    addEventListener("pageshow", (event) => { if (event.persisted) sent = false; });
  });

  // While a letter is being written: answers that there are already. They come below the words and only
  // while these are being typed, so that nothing moves under a finger that is on its way elsewhere.
  all("[data-offers]", (place) => {
    const form = place.closest("form");
    const { subject, body, csrf_token: token } = form.elements;
    let timer, last = "";
    form.querySelector("[data-offers-button]").hidden = true;
    const look = async () => {
      const words = `${subject.value}\n${body.value}`;
      if (words.trim().length < 6 || words === last) return;
      last = words;
      const sent = new FormData();
      [subject, body, token].forEach((field) => field && sent.set(field.name, field.value));
      try {
        const answer = await fetch(place.dataset.offers, { method: "POST", body: sent });
        const found = answer.ok ? await answer.text() : "";
        if ([subject, body].includes(document.activeElement)) place.innerHTML = found;
      } catch { /* the letter can be sent without */ }
    };
    [subject, body].forEach((field) => field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(look, 1000);
    }));
  });

  // Menus fold on narrow screens, and only here, so that without a script they stay open.
  const narrow = matchMedia("(max-width: 61.99em)");
  const phone = matchMedia("(max-width: 40em)");
  all("details[data-nav-fold]", (menu) => {
    const query = menu.closest(".nav-staff") ? narrow : phone;
    const fold = () => { menu.open = !query.matches; };
    menu.dataset.folding = "";
    query.addEventListener("change", fold);
    fold();
  });

  // After a refused form: begin at the list of what to correct.
  const summary = document.getElementById("error-summary");
  if (summary) summary.focus();
})();
