some avg10=100.00 avg60=4.73 avg300=9.95 total=56087565
full avg10=99.99 avg60=0.00 avg300=0.00 total=0
