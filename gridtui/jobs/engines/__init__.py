"""What runs attempts. `protocol` is the shape; each engine is a module that knows the protocol and no other engine."""
