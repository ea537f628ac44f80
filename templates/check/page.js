
  // A mark leads to its card: open it, and show which one it is.
  function opened() {
    const card = document.getElementById(location.hash.slice(1));
    if (card && card.tagName === "DETAILS") card.open = true;
  }
  addEventListener("hashchange", opened);
  addEventListener("click", event => { if (event.target.closest("a")) setTimeout(opened); });
  opened();
