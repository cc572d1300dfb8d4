module minka.example

go 1.19
