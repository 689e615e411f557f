"""HTTP alone: routes, what goes over the wire, and how an error becomes an answer."""
