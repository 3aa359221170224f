"""How pages behind approval links look, and what they may do: nothing but show themselves and send their form."""

from base64 import b64encode
from hashlib import sha256

STYLE = """
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fff;--dim:#565c64;--line:#c9ced6;--soft:#f3f5f8;--act:#0b57d0;
--warn:#9a3412;--odd:#b91c1c}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--paper:#17191c;--dim:#a8b0ba;--line:#444b54;--soft:#22262b;
--act:#8ab4f8;--warn:#fdba74;--odd:#fca5a5}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{max-width:44rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .5rem}h2{font-size:1.125rem;margin:2rem 0 .5rem}
h1,p,dd,pre,legend,label{overflow-wrap:anywhere;unicode-bidi:isolate}
.dim{color:var(--dim)}.risk{color:var(--warn);font-weight:600}
.notice{border-left:.25rem solid var(--warn);background:var(--soft);padding:.75rem 1rem;margin:1rem 0}
.notice p{margin:0}details{margin-top:.5rem}
dl{display:grid;grid-template-columns:minmax(6rem,auto) 1fr;gap:.25rem 1rem;margin:0}
dt{color:var(--dim);overflow-wrap:anywhere}dd{margin:0;white-space:pre-wrap}
.call{border:1px solid var(--line);border-radius:.5rem;padding:1rem;background:var(--soft)}
.call dd,pre{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.9375rem}
pre{white-space:pre-wrap;margin:.5rem 0 0}
.odd{color:var(--odd);border:1px solid;border-radius:.2rem;padding:0 .2rem;font-size:.8em;white-space:nowrap;
unicode-bidi:isolate;direction:ltr}
fieldset{border:1px solid var(--line);border-radius:.5rem;padding:.5rem 1rem 1rem;margin:2rem 0 1rem}
legend{font-size:1.125rem;font-weight:600;padding:0 .35rem}
.choice{padding:.5rem 0}.choice+.choice{border-top:1px solid var(--line)}
.pick{display:flex;gap:.6rem;align-items:flex-start}
input[type=radio],input[type=checkbox]{width:1.25rem;height:1.25rem;margin:.15rem 0;flex:none;accent-color:var(--act)}
.more{margin:.5rem 0 .25rem 1.85rem}.choice:not(:has(input:checked)) .more{display:none}
textarea{width:100%;min-height:5rem;font:inherit;padding:.5rem;border:1px solid var(--dim);border-radius:.35rem;
background:var(--paper);color:var(--ink)}
#arguments{min-height:10rem;font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.9375rem}
button{font:inherit;font-weight:600;min-height:2.75rem;padding:.5rem 1.5rem;border:0;border-radius:.35rem;
background:var(--act);color:var(--paper);cursor:pointer;margin-top:1rem}
:focus-visible{outline:.2rem solid var(--act);outline-offset:.15rem}
@media(max-width:30rem){dl{grid-template-columns:1fr}dd{margin-bottom:.6rem}button{width:100%}}
"""

_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Vary": "Accept",
}
"""Of every answer, problems too: the address is a secret, and what it shows is for one person."""
