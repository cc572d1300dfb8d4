"""The C++ header, in small programs that use it as its users do."""
